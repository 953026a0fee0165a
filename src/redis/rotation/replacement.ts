import type { Clock } from '../../kernel/time.js';
import type { Loss } from '../loss.js';

/** What came of trying something new on a connection of its own. */
export type Verdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly loss: Loss }
  /** No server answered, so that nothing can be said. */
  | { readonly kind: 'undecided'; readonly loss: Loss };

export interface ReplacementHost<T> {
  inUse(): T;
  use(value: T): void;
  same(a: T, b: T): boolean;
  /** Tries it without touching what is in use; bounded, never rejects. */
  rehearse(value: T): Promise<Verdict>;
  /** Whether a connection stands that would go on if nothing were replaced. */
  connected(): boolean;
  /** A server has let the new one in, and it is in use. */
  applied(): void;
  /** A server has refused it, or none could be asked; the old one is in use. @param first for this value */
  kept(outcome: 'refused' | 'untried', loss: Loss, first: boolean): void;
}

/** After a refusal, as the server may learn the new one later than we do; doubled at each further one. */
const FIRST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 300_000;

/**
 * Replaces one thing that opens the door of a server, credentials or certificates, without ever giving up
 * one that works. While a connection stands, what is offered is rehearsed first. Where none does, it is put in at
 * once, and the next connect decides: what was last proven and what is offered then take turns at each
 * refusal, since either may be what the server knows by now.
 */
export class Replacement<T> {
  private offered: T | undefined;
  private refusals = 0;
  private notBeforeMs = 0;
  private told: 'refused' | 'untried' | undefined;

  /** @param proven what the process started with, where that is more than nothing */
  constructor(
    private readonly host: ReplacementHost<T>,
    private readonly clock: Clock,
    private proven?: T,
  ) {}

  /** What was offered last is in use, or was refused so lately that it need not be tried again yet. */
  get settled(): boolean {
    const { offered, host } = this;
    if (offered === undefined || offered === host.inUse()) return true;
    return this.told === 'refused' && this.clock.monotonicMs() < this.notBeforeMs;
  }

  /**
   * @param force tries at once what was refused before, too
   * @returns whether it differs from what is in use
   */
  async offer(value: T, force = false): Promise<boolean> {
    const { host } = this;
    if (host.same(value, host.inUse())) {
      this.remember(host.inUse());
      return false;
    }
    // The same object again, so that those who hold it recognise it.
    const candidate = this.offered !== undefined && host.same(value, this.offered) ? this.offered : value;
    if (candidate !== this.offered) this.remember(candidate);
    else if (this.settled && !force) return true;
    if (!host.connected()) {
      host.use(candidate);
      return true;
    }
    this.judge(candidate, await host.rehearse(candidate));
    return true;
  }

  /** A server let a connection in. */
  accepted(used: T): void {
    const { proven, offered, host } = this;
    if (used !== host.inUse()) return;
    this.proven = used;
    if (proven !== undefined && proven !== used && used === offered) host.applied();
  }

  /** A server turned a connection away. */
  refused(used: T, loss: Loss): void {
    const { proven, offered, host } = this;
    if (used !== host.inUse()) return;
    const other = used === offered ? proven : offered;
    if (other === undefined || other === used) return;
    if (used === offered) this.tell('refused', loss);
    host.use(other);
  }

  private judge(candidate: T, verdict: Verdict): void {
    const { host } = this;
    // Overtaken: put in by a refusal of the old one, or another was offered.
    if (candidate !== this.offered || candidate === host.inUse()) return;
    if (verdict.kind === 'accepted') {
      this.proven = candidate;
      host.use(candidate);
      host.applied();
    } else {
      this.tell(verdict.kind === 'refused' ? 'refused' : 'untried', verdict.loss);
    }
  }

  private remember(offered: T): void {
    this.offered = offered;
    this.refusals = 0;
    this.told = undefined;
  }

  private tell(outcome: 'refused' | 'untried', loss: Loss): void {
    if (outcome === 'refused') {
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.refusals, 10));
      this.refusals += 1;
      this.notBeforeMs = this.clock.monotonicMs() + pauseMs;
    }
    this.host.kept(outcome, loss, this.told !== outcome);
    this.told = outcome;
  }
}
