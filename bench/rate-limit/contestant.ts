/** Whom a decision is about. */
export interface Subject {
  readonly ip: string;
  readonly user: string;
}

export interface Setting {
  /** Of the Redis server. */
  readonly url: string;
  /** Units per window for one subject. */
  readonly quota: number;
  readonly windowSeconds: number;
  /** Units at once, where the contestant knows the difference; else the quota. */
  readonly burst?: number;
}

/** One limiter, opened with its connections. */
export interface Limiter {
  /** One decision; the promise is the contestant's own, so that nothing of the benchmark is measured with it. */
  decide(subject: Subject): Promise<unknown>;
  /** @param answer what `decide` resolved with */
  isAllowed(answer: unknown): boolean;
  /** Whether it was decided without Redis, because that seemed to be away: such a round is measured again. */
  isDegraded?(answer: unknown): boolean;
  close(): Promise<unknown> | void;
}

export interface Contestant {
  readonly title: string;
  readonly open: (setting: Setting) => Promise<Limiter>;
}

/** Nothing is ever denied: what is measured is the decision. A million units at once are never spent in a round. */
export const AMPLE = { quota: 60_000_000, windowSeconds: 60 } as const;
/** Whoever has asked once is denied from then on. */
export const SCARCE = { quota: 1, windowSeconds: 3600 } as const;

/** Those who come again and again in most tables. */
export const SUBJECTS = 10_000;

export function subject(n: number): Subject {
  return { ip: `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`, user: `user-${n}` };
}
