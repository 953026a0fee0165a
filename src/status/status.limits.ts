import type { Policy } from '../rate-limit/index.js';

const HOUR_MS = 3_600_000;

/**
 * How often subscriptions may be asked for: each sends a mail or calls a webhook. `account` is the target, in its one
 * spelling, whoever asks.
 */
// prettier-ignore
export const STATUS_POLICIES = {
  'status-subscribe': { credential: true, limits: [
    { kind: 'window', per: 'account', quota:   5, windowMs: HOUR_MS, outage: 'deny' },
    { kind: 'window', per: 'ip',      quota:  20, windowMs: HOUR_MS, outage: 'deny' },
    { kind: 'window', per: 'network', quota: 160, windowMs: HOUR_MS, outage: 'deny' },
  ] },
} as const satisfies Readonly<Record<string, Policy>>;
