import type { Ruling } from './counting/subject.js';
import type { RateLimitDecision } from './decision.js';
import type { PolicyTable } from './policies/policy.js';

const TEN = { quota: 10, windowMs: 10_000, burst: 10 } as const;
export const POLICIES = {
  address: { limits: [{ per: 'ip', ...TEN }] },
  person: { limits: [{ per: 'user', ...TEN }] },
  all: { limits: [{ per: 'global', quota: 100, windowMs: 100_000, burst: 100 }] },
  login: { limits: [{ per: 'user', ...TEN }], counts: 'failures' },
  window: { limits: [{ kind: 'window', per: 'user', quota: 1, windowMs: 30_000 }] },
  slow: { limits: [{ per: 'user', quota: 1, windowMs: 60_000, burst: 1 }] },
} as const satisfies PolicyTable;

export const ALICE = { ip: '192.0.2.1', user: 'alice' };
export const BOB = { ip: '192.0.2.2', user: 'bob' };

/** Names of the limits that a decision tells, each with what is left of it. */
export const namesOf = ({ limits }: RateLimitDecision) =>
  limits.map(({ limit, remaining }) => `${limit.name} ${remaining}`);

/** What operators have set; a test changes it. */
export function rulings() {
  const set = {
    edition: 0,
    anyBlocked: true,
    blockedUntilMs: (_dimension: string, _digest: string) => 0,
    limitFor: ((limit) => limit) as Ruling['limitFor'],
  };
  return {
    ruling: set satisfies Ruling,
    change: (next: Partial<typeof set>) => Object.assign(set, next, { edition: set.edition + 1 }),
  };
}
