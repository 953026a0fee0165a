import type { Clock } from '../../kernel/time.js';
import { type RawCall, logIn } from '../handshake.js';
import type { Access, Credentials, LiveAccess } from '../live-access.js';
import { type Loss, lossFor } from '../loss.js';
import type { LaneBudget } from '../purposes.js';
import { reasonOfProof } from '../server-proof.js';
import type { Proof } from '../status.types.js';

/** How a lane fared that was to log in anew. `disconnected`: it finds what is in use at its next connect. */
export type Relogin = 'accepted' | 'refused' | 'disconnected';

export interface LaneLoginOptions {
  readonly access: LiveAccess;
  readonly budget: LaneBudget;
  readonly clock: Clock;
  readonly call: RawCall;
}

const TOLD: ReadonlySet<Loss['reason']> = new Set(['auth', 'noperm', 'tls']);
/** What a server says of whoever has logged in. */
const OF_THE_USER: ReadonlySet<Proof['fact']> = new Set(['identity', 'commands']);

/** What the connection of a lane was made with, and its login in place when that is replaced. */
export class LaneLogin {
  private used: Access;

  constructor(private readonly options: LaneLoginOptions) {
    this.used = this.inUse();
  }

  /** A socket is about to be opened. */
  dialling(): void {
    this.used = this.inUse();
  }

  /** What to log in with on the socket that is open now. */
  greeting(): Credentials {
    const { credentials } = this.options.access;
    this.used = { ...this.used, credentials };
    return credentials;
  }

  /** Every proof held. */
  proven(): void {
    const { access } = this.options;
    access.keeper?.accepted(this.used);
    // Replaced between greeting and proof, when this connection was none yet that could be told.
    if (access.credentials !== this.used.credentials) void this.renew();
  }

  /** @param contradicted the proofs that did not hold; the loss tells the first of them only */
  lost(loss: Loss, contradicted: readonly Proof[] = []): void {
    const ofTheUser = contradicted.find(({ fact }) => OF_THE_USER.has(fact));
    const told = ofTheUser ? lossFor(reasonOfProof(ofTheUser), ofTheUser.detail) : loss;
    if (TOLD.has(told.reason)) this.options.access.keeper?.refused(told, this.used);
  }

  /**
   * Logs in with what is in use now. The command takes its place between those of the callers; a server that
   * refuses it leaves the connection as it was.
   */
  async renew(): Promise<Relogin> {
    const { credentials } = this.options.access;
    if (credentials === this.used.credentials) return 'accepted';
    const login = logIn(this.options.call, credentials).catch((error: unknown) => error as Error);
    const answer = await this.bounded(login);
    if (answer instanceof Error) return answer.name === 'ReplyError' ? 'refused' : 'disconnected';
    if (answer === 'unanswered') return 'disconnected';
    this.used = { ...this.used, credentials };
    return 'accepted';
  }

  /** Behind a read that blocks the answer comes when that has ended. */
  private bounded<T>(answer: Promise<T>): Promise<T | 'unanswered'> {
    const { clock, budget } = this.options;
    return new Promise((resolve, reject) => {
      const timer = clock.after(budget.commandMs + budget.silenceMs, () => resolve('unanswered'));
      answer.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  private inUse(): Access {
    const { credentials, tls } = this.options.access;
    return { credentials, tls };
  }
}
