import { inspect } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RateLimitDecision } from '../../../src/rate-limit/index.js';
import type { OutagePolicy } from './limiter-policies.js';
import type { OutageLimiter } from './limiter-rig.js';

/** What one caller was told. Times are of `performance.now()`. */
export interface Told {
  readonly startedMs: number;
  readonly ms: number;
  /** Undefined: the check was rejected, with `error`. */
  readonly decision: RateLimitDecision | undefined;
  readonly error?: string;
}

const WORKERS = 2;
const PAUSE_MS = 4;

/** Callers of one policy who go on through every fault, all in the name of one account. */
export class LimiterTraffic {
  private readonly told: Told[] = [];
  private going = true;
  private readonly workers: Promise<void>[];

  constructor(
    private readonly limiter: OutageLimiter,
    private readonly policy: OutagePolicy,
    private readonly account: string,
  ) {
    this.workers = Array.from({ length: WORKERS }, () => this.work());
  }

  /** All that was told so far. */
  get all(): readonly Told[] {
    return this.told;
  }

  async stop(): Promise<readonly Told[]> {
    this.going = false;
    await Promise.all(this.workers);
    return this.told;
  }

  private async work(): Promise<void> {
    while (this.going) {
      const startedMs = performance.now();
      const answer = await this.limiter.check(this.policy, { account: this.account }).then(
        (decision) => ({ decision }),
        (error: unknown) => ({ decision: undefined, error: inspect(error) }),
      );
      this.told.push({ startedMs, ms: performance.now() - startedMs, ...answer });
      await sleep(PAUSE_MS);
    }
  }
}
