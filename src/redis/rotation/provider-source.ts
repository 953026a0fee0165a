import type { Clock, Timer } from '../../kernel/time.js';
import { HandshakeError } from '../handshake-error.js';
import type { Credentials } from '../live-access.js';
import type { CredentialProvider } from './credential-provider.js';
import { type IssuedFor, readIssued } from './read-issued.js';

export interface ProviderSourceOptions {
  readonly provider: CredentialProvider;
  readonly issuedFor: Omit<IssuedFor, 'nowMs'>;
  readonly clock: Clock;
  readonly random?: () => number;
  /**
   * Waited for, so that whoever waits for a fetch finds the result in use.
   * @returns false where a server refused them or could not be asked, so that others are worth a try
   */
  readonly issued: (credentials: Credentials) => Promise<boolean>;
  readonly failed: (error: HandshakeError) => void;
}

/** Shorter than the default start deadline, so that a start names the provider and not the server. */
const FETCH_MS = 4000;
/** Beyond the fetch: until what it gave is in use. */
const PREPARE_MS = FETCH_MS + 1000;
const STOPPED = 'the credential provider is not asked any more: the connections are being closed';
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Share of a lifetime after which the next one is fetched; what is left is for attempts that fail. */
/** A provider whose tokens hardly live is not asked without a break. */
const SOONEST_MS = 500;
const RENEW_FROM = 0.6;
const RENEW_TO = 0.8;

/** Asks a provider: before the first connect, ahead of each expiry, after a refusal. One fetch at a time. */
export class ProviderSource {
  private credentials: Credentials | undefined;
  private expiresAtMs: number | undefined;
  /** They have been in use, or a server has refused them. */
  private given = false;
  private underway: Promise<void> | undefined;
  private failure: HandshakeError | undefined;
  private failures = 0;
  /** In a row that were issued and not put into use. */
  private unused = 0;
  /** Since a server accepted some. */
  private refusals = 0;
  private pausing = false;
  private timer: Timer | undefined;
  private abort: AbortController | undefined;
  private stopped = false;

  constructor(private readonly options: ProviderSourceOptions) {}

  get fetching(): boolean {
    return this.underway !== undefined;
  }

  /** @throws HandshakeError while the provider has given nothing yet */
  async prepare(): Promise<void> {
    if (this.credentials && !this.expired) return;
    // After a failure its timer asks again; attempts to connect come far more often.
    if (!this.failure || this.fetching) await this.bounded(this.fetch());
    if (this.given) return;
    const detail = this.stopped ? STOPPED : 'what the credential provider gave was not in use in time';
    throw this.failure ?? new HandshakeError('timeout', detail, 'provider');
  }

  /** Never rejects: a failure is reported, and tried again after a pause. */
  fetch(): Promise<void> {
    if (this.stopped) return Promise.resolve();
    this.underway ??= this.renew().finally(() => (this.underway = undefined));
    return this.underway;
  }

  /** The server does not know them, or not any more. Others are fetched at once, and then after growing pauses. */
  refused(used: Credentials): void {
    if (used !== this.credentials || this.fetching || this.pausing) return;
    this.refusals += 1;
    if (this.refusals === 1) void this.fetch();
    else this.pause(this.refusals - 2);
  }

  accepted(): void {
    this.refusals = 0;
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    this.abort?.abort();
  }

  private get expired(): boolean {
    return this.expiresAtMs !== undefined && this.options.clock.nowMs() >= this.expiresAtMs;
  }

  private async renew(): Promise<void> {
    const { issued, failed, issuedFor, clock } = this.options;
    this.timer?.cancel();
    this.pausing = false;
    try {
      const answer = await this.ask();
      const { credentials, expiresAtMs } = readIssued(answer, { ...issuedFor, nowMs: clock.nowMs() });
      this.failure = undefined;
      this.failures = 0;
      this.credentials = this.known(credentials);
      this.expiresAtMs = expiresAtMs;
      const renewMs = this.renewInMs(expiresAtMs);
      this.again(renewMs);
      const inUse = await issued(this.credentials);
      this.given = true;
      if (!inUse) this.pause(this.unused, renewMs);
      this.unused = inUse ? 0 : this.unused + 1;
    } catch (error) {
      // What was given is code of somebody else, down to the reading of a property.
      this.failure = error instanceof HandshakeError ? error : failureOf(error);
      if (this.stopped) return;
      this.pause(this.failures);
      this.failures += 1;
      failed(this.failure);
    }
  }

  /** The same object as before where nothing has changed, so that those who hold it recognise it. */
  private known(fresh: Credentials): Credentials {
    const before = this.credentials;
    const same =
      before?.username === fresh.username && before?.password?.reveal() === fresh.password?.reveal();
    return before && same ? before : fresh;
  }

  private ask(): Promise<unknown> {
    const { provider, clock } = this.options;
    const abort = new AbortController();
    this.abort = abort;
    const answer = new Promise((resolve) => resolve(provider.fetch(abort.signal)));
    return new Promise((resolve, reject) => {
      const giveUp = (detail: string) => reject(new HandshakeError('timeout', detail, 'provider'));
      const timer = clock.after(FETCH_MS, () => {
        giveUp(`the credential provider did not answer within ${FETCH_MS} ms`);
        abort.abort();
      });
      abort.signal.addEventListener('abort', () => {
        timer.cancel();
        giveUp(STOPPED);
      });
      answer.then(resolve, (error: unknown) => reject(failureOf(error))).finally(() => timer.cancel());
    });
  }

  private bounded(fetched: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.options.clock.after(PREPARE_MS, resolve);
      void fetched.then(resolve).finally(() => timer.cancel());
    });
  }

  private again(delayMs: number): void {
    this.timer?.cancel();
    if (this.stopped || delayMs === Infinity) return;
    this.timer = this.options.clock.after(delayMs, () => void this.fetch());
  }

  /** Spread, so that a fleet that was started together does not ask together. */
  private renewInMs(expiresAtMs = Infinity): number {
    const { clock, random = Math.random } = this.options;
    const share = RENEW_FROM + (RENEW_TO - RENEW_FROM) * random();
    return Math.max(SOONEST_MS, (expiresAtMs - clock.nowMs()) * share);
  }

  private pause(earlier: number, longestMs = Infinity): void {
    const { random = Math.random } = this.options;
    const ceilingMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(earlier, 10));
    this.pausing = true;
    this.again(Math.min(longestMs, ceilingMs * (0.5 + 0.5 * random())));
  }
}

/** The message stays out: it may hold what the provider was asked with. */
function failureOf(error: unknown): HandshakeError {
  return new HandshakeError('other', `the credential provider failed (${nameOf(error)})`, 'provider');
}

/** Only what looks like a name or a code. */
function nameOf(error: unknown): string {
  try {
    if (!(error instanceof Error)) return typeof error;
    const [name, code] = [error.name, Reflect.get(error, 'code')] as readonly unknown[];
    const shown = typeof name === 'string' && /^[A-Za-z][A-Za-z_.]{0,39}$/.test(name) ? name : 'Error';
    return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,39}$/.test(code) ? `${shown}, ${code}` : shown;
  } catch {
    return 'an error that cannot be read';
  }
}
