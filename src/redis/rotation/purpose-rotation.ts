import type { Fault } from '../../config/index.js';
import type { Clock } from '../../kernel/time.js';
import type { Access, AccessKeeper, Credentials, LiveAccess } from '../live-access.js';
import type { Login } from '../login.js';
import type { Loss } from '../loss.js';
import type { Lane } from '../purposes.js';
import type { FaultSource } from '../startup-report.js';
import { AccessAspects, sameCredentials } from './access-aspects.js';
import type { AccessFiles } from './access-files.js';
import type { CredentialProvider } from './credential-provider.js';
import { KeptBack, PROVIDER } from './kept-back.js';
import type { Relogin } from './lane-login.js';
import { ProviderSource } from './provider-source.js';
import type { Verdict } from './replacement.js';
import type { Replaced, RotationReport } from './rotation-report.js';

/** Longer than files need to settle: what has not been read by then hangs. */
const READ_MS = 4000;

export interface PurposeRotationOptions {
  readonly source: FaultSource;
  readonly access: LiveAccess;
  readonly target: Login['target'];
  readonly files: AccessFiles;
  readonly provider?: CredentialProvider;
  /** Whether the purpose must have an ACL user of its own. */
  readonly userRequired: boolean;
  readonly report: RotationReport;
  readonly clock: Clock;
  /** With which the Sentinels are asked, where there are some. */
  readonly sentinels?: Credentials;
  /**
   * Tries an access on a connection of its own; ends early at `signal`.
   * @param sentinels tried with it, instead of those in use
   */
  readonly rehearse: (access: LiveAccess, signal: AbortSignal, sentinels?: Credentials) => Promise<Verdict>;
  /** Whether a lane has a usable connection. */
  readonly connected: () => boolean;
  /** Logs every connected lane in with what is in use now. */
  readonly relogin: () => Promise<readonly (readonly [Lane, Relogin])[]>;
}

/**
 * Renews credentials and certificates of one purpose while it runs: looks at its files, asks its provider, tries
 * what is new and puts it in. What is in use is given up for nothing that has not been tried.
 */
export class PurposeRotation implements AccessKeeper {
  private readonly aspects: AccessAspects;
  private readonly provider: ProviderSource | undefined;
  private readonly keptBack: KeptBack;
  private print: string | undefined;
  /** Reads that run, and may never end; joined, so that they do not pile up. */
  private readonly reading = new Map<'settled' | 'hurried', Promise<string>>();
  /** One thing after the other: of two rehearsals at a time the later could be overtaken. */
  private turn: Promise<unknown> = Promise.resolve();
  private readonly stopping = new AbortController();

  constructor(private readonly options: PurposeRotationOptions) {
    const { source, report, provider } = options;
    report.initialise(source.purpose);
    this.keptBack = new KeptBack(source, report);
    this.aspects = this.createAspects();
    this.provider = provider && this.providerSource(provider);
  }

  get seeking(): boolean {
    return this.provider?.fetching ?? false;
  }

  async prepare(): Promise<void> {
    await this.provider?.prepare();
  }

  accepted(used: Access): void {
    this.aspects.accepted(used);
    this.provider?.accepted();
  }

  refused(loss: Loss, used: Access): void {
    if (this.stopped || !this.aspects.refused(loss, used)) return;
    if (loss.suspect === 'credentials') this.provider?.refused(used.credentials);
    // The server may have learned what lies in the files since the last look.
    void this.lookAtFiles({ hurry: true, force: false });
  }

  async look(force = false): Promise<boolean> {
    const { access } = this.options;
    const before = access.credentials;
    const [differs] = await Promise.all([
      this.lookAtFiles({ hurry: false, force }),
      force ? this.provider?.fetch() : undefined,
    ]);
    return differs || access.credentials !== before || this.keptBack.any;
  }

  stop(): void {
    this.stopping.abort();
    this.provider?.stop();
  }

  private get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private async lookAtFiles({ hurry, force }: { hurry: boolean; force: boolean }): Promise<boolean> {
    // Not in turn: what a provider gives must not wait for a folder that hangs.
    const print = await this.readPrint(hurry ? 'hurried' : 'settled');
    if (this.stopped) return false;
    if (print === undefined) return this.unanswered();
    return this.inTurn(async () => {
      const settled = this.aspects.settled && !this.keptBack.any;
      if (this.stopped || (print === this.print && settled && !force)) return false;
      this.print = print;
      const secrets = await this.readSecrets(force);
      const certificates = await this.readCertificates(force);
      return secrets || certificates;
    });
  }

  /** @returns undefined where it takes too long */
  private readPrint(how: 'settled' | 'hurried'): Promise<string | undefined> {
    const { files, clock } = this.options;
    let reading = this.reading.get(how);
    if (!reading) {
      const print = how === 'settled' ? files.settledPrint(this.print, clock) : files.print();
      reading = print.finally(() => this.reading.delete(how));
      this.reading.set(how, reading);
    }
    const read = reading;
    return new Promise((resolve, reject) => {
      const timer = clock.after(READ_MS, () => resolve(undefined));
      read.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  private unanswered(): boolean {
    const { secrets, certificates } = this.options.files.beingRead;
    if (secrets.length > 0) this.keptBack.unanswered('secrets', secrets);
    if (certificates.length > 0) this.keptBack.unanswered('certificates', certificates);
    return true;
  }

  private async readSecrets(force: boolean): Promise<boolean> {
    const { files, target } = this.options;
    if (files.secretVariables.length + files.sentinelVariables.length === 0) return false;
    const login = files.login();
    if (isFaults(login)) this.keptBack.unreadable('secrets', login);
    else if (!sameTarget(login.target, target)) this.keptBack.elsewhere(files.secretVariables);
    else {
      this.keptBack.clear('secrets');
      // Beside a provider a URL file says only where the server is.
      const differs = this.provider ? false : await this.aspects.credentials.offer(login.credentials, force);
      return (await this.aspects.sentinels.offer(login.sentinels, force)) || differs;
    }
    return true;
  }

  private async readCertificates(force: boolean): Promise<boolean> {
    const { files, target } = this.options;
    if (files.certificateVariables.length === 0) return false;
    const material = files.tls(target);
    if (isFaults(material)) {
      this.keptBack.unreadable('certificates', material);
      return true;
    }
    this.keptBack.clear('certificates');
    return this.aspects.certificates.offer(material, force);
  }

  private createAspects(): AccessAspects {
    const { access, clock, connected, rehearse, provider, sentinels } = this.options;
    return new AccessAspects({
      access,
      clock,
      given: provider ? undefined : access.credentials,
      sentinels,
      rehearse: (candidate, others) => rehearse(candidate, this.stopping.signal, others),
      connected,
      applied: (what) => void this.applied(what),
      kept: (what, outcome, loss, first) => {
        if (!this.stopped) this.keptBack[outcome](what, this.variablesOf(what), loss, first);
      },
    });
  }

  private providerSource(provider: CredentialProvider): ProviderSource {
    const { access, clock, userRequired } = this.options;
    const { username } = access.credentials;
    return new ProviderSource({
      provider,
      issuedFor: { ...(username === undefined ? {} : { username }), userRequired },
      clock,
      issued: async (credentials) => {
        this.keptBack.clear('provider');
        await this.inTurn(() => this.aspects.credentials.offer(credentials));
        return sameCredentials(credentials, access.credentials);
      },
      failed: (error) => this.keptBack.unissued(error),
    });
  }

  private async applied(what: Replaced): Promise<void> {
    const { source, relogin, report } = this.options;
    const lanes = what === 'credentials' ? await relogin() : undefined;
    report.applied(source.purpose, what, this.variablesOf(what), lanes);
  }

  private variablesOf(what: Replaced): readonly string[] {
    const { files, provider } = this.options;
    if (what === 'certificates') return files.certificateVariables;
    if (what === 'credentials of the Sentinels') return files.sentinelVariables;
    return provider ? [PROVIDER] : files.secretVariables;
  }

  private inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.turn.then(run);
    this.turn = result.catch(() => undefined);
    return result;
  }
}

function sameTarget(a: Login['target'], b: Login['target']): boolean {
  return a.host === b.host && a.port === b.port && a.db === b.db && a.tls === b.tls;
}

function isFaults<T extends object>(read: T | readonly Fault[]): read is readonly Fault[] {
  return Array.isArray(read);
}
