import type { Clock } from '../../kernel/time.js';
import { type Access, type Credentials, LiveAccess } from '../live-access.js';
import type { Loss } from '../loss.js';
import type { TlsMaterial } from '../tls-material.js';
import { Replacement, type Verdict } from './replacement.js';
import type { Replaced } from './rotation-report.js';

export interface AspectOptions {
  readonly access: LiveAccess;
  readonly clock: Clock;
  /** What the process started with; undefined where a provider has to give it first. */
  readonly given: Credentials | undefined;
  /** Of the Sentinels, where there are some. */
  readonly sentinels: Credentials | undefined;
  /** Tries an access, and perhaps other credentials of the Sentinels, on a connection of its own. */
  readonly rehearse: (access: LiveAccess, sentinels?: Credentials) => Promise<Verdict>;
  /** Whether a lane has a usable connection. */
  readonly connected: () => boolean;
  readonly applied: (what: Replaced) => void;
  readonly kept: (what: Replaced, outcome: 'refused' | 'untried', loss: Loss, first: boolean) => void;
}

/** Again and again, while another connection of the purpose stands. */
const BROKEN_OFF: Loss = {
  reason: 'tls',
  detail: 'the server broke off the handshake; it may not accept the client certificate',
  suspect: 'client-certificate',
};

/** A user may be let in and lack a right that the one before it has. */
const OF_THE_USER: ReadonlySet<Loss['suspect']> = new Set(['credentials', 'grants']);
const SENTINELS_USER: ReadonlySet<Loss['suspect']> = new Set(['sentinel-credentials', 'sentinel-grants']);

/** What is replaced in an access, each by itself: one that is wrong must not hold up another that is right. */
export class AccessAspects {
  readonly credentials: Replacement<Credentials>;
  readonly certificates: Replacement<TlsMaterial>;
  readonly sentinels: Replacement<Credentials>;
  private toSentinels: Credentials;

  constructor(private readonly options: AspectOptions) {
    const { access, clock, given, sentinels = {} } = options;
    this.toSentinels = sentinels;
    this.credentials = new Replacement(this.credentialsHost(), clock, given);
    this.certificates = new Replacement(this.certificatesHost(), clock, access.tls);
    this.sentinels = new Replacement(this.sentinelsHost(), clock, sentinels);
  }

  /** Nothing waits to be tried. */
  get settled(): boolean {
    return this.credentials.settled && this.certificates.settled && this.sentinels.settled;
  }

  accepted(used: Access): void {
    this.credentials.accepted(used.credentials);
    this.certificates.accepted(used.tls);
    this.sentinels.accepted(this.toSentinels);
  }

  /** @returns whether one of these is to blame */
  refused(loss: Loss, used: Access): boolean {
    if (loss.reason === 'tls') this.certificates.refused(used.tls, loss);
    else if (OF_THE_USER.has(loss.suspect)) this.credentials.refused(used.credentials, loss);
    else if (SENTINELS_USER.has(loss.suspect)) this.sentinels.refused(this.toSentinels, loss);
    else return false;
    return true;
  }

  private credentialsHost() {
    const { access, rehearse } = this.options;
    return {
      ...this.common('credentials'),
      inUse: () => access.credentials,
      use: (credentials: Credentials) => void (access.credentials = credentials),
      same: sameCredentials,
      rehearse: async (credentials: Credentials): Promise<Verdict> => {
        const verdict = await rehearse(new LiveAccess(credentials, access.tls));
        // In the handshake, and at the Sentinels, nobody has seen the credentials yet.
        const { loss } = verdict.kind === 'refused' ? verdict : {};
        const unseen = loss && (loss.reason === 'tls' || isOfSentinels(loss));
        return unseen ? { kind: 'undecided', loss } : verdict;
      },
    };
  }

  private certificatesHost() {
    const { access, rehearse } = this.options;
    return {
      ...this.common('certificates'),
      inUse: () => access.tls,
      use: (tls: TlsMaterial) => void (access.tls = tls),
      same: (a: TlsMaterial, b: TlsMaterial) => a.fingerprint === b.fingerprint,
      rehearse: async (tls: TlsMaterial): Promise<Verdict> => {
        const verdict = await rehearse(new LiveAccess(access.credentials, tls));
        // Who is asked for a password has passed the handshake.
        if (verdict.kind === 'refused' && verdict.loss.reason !== 'tls') return { kind: 'accepted' };
        const cut = verdict.kind === 'undecided' && verdict.loss.reason === 'reset' && tls.clientCertificate;
        return cut ? { kind: 'refused', loss: BROKEN_OFF } : verdict;
      },
    };
  }

  private sentinelsHost() {
    const { access, rehearse } = this.options;
    return {
      ...this.common('credentials of the Sentinels'),
      inUse: () => this.toSentinels,
      use: (credentials: Credentials) => {
        this.toSentinels = credentials;
        access.useBeside(credentials);
      },
      same: sameCredentials,
      rehearse: async (credentials: Credentials): Promise<Verdict> => {
        const verdict = await rehearse(new LiveAccess(access.credentials, access.tls), credentials);
        // Who is refused by the server has been let in by the Sentinels.
        const passed = verdict.kind === 'refused' && !isOfSentinels(verdict.loss);
        return passed ? { kind: 'accepted' } : verdict;
      },
    };
  }

  private common(what: Replaced) {
    const { connected, applied, kept } = this.options;
    return {
      connected,
      applied: () => applied(what),
      kept: (outcome: 'refused' | 'untried', loss: Loss, first: boolean) => kept(what, outcome, loss, first),
    };
  }
}

function isOfSentinels({ suspect }: Loss): boolean {
  return suspect.startsWith('sentinel-');
}

export function sameCredentials(a: Credentials, b: Credentials): boolean {
  return a.username === b.username && a.password?.reveal() === b.password?.reveal();
}
