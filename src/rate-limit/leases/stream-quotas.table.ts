import type { StreamQuotaTable } from './stream-quota.js';

/** The stream quotas of the house. A feature's own stand under `rateLimit.streamQuotas` in src/app.features.ts. */
// prettier-ignore
export const STREAM_QUOTAS = {
  /** Answers of the chat as they are written. */
  chat: {
    concurrent: [
      { per: 'tenant', streams: 50 },
      { per: 'user',   streams:  5 },
      { per: 'ip',     streams:  5, unless: 'user' },
    ],
    connects: 'stream-connect', leaseMs: 45_000, outage: 'local',
  },
  /** What an account is billed, as it happens. */
  billing: {
    concurrent: [
      { per: 'tenant', streams: 20 },
      { per: 'user',   streams:  3 },
      { per: 'ip',     streams:  3, unless: 'user' },
    ],
    connects: 'stream-connect', leaseMs: 45_000, outage: 'local',
  },
} as const satisfies StreamQuotaTable;

type BuiltInQuotas = typeof STREAM_QUOTAS;

/**
 * The stream quotas that the compiler knows. A feature augments this interface beside its rows, which
 * src/app.features.ts names under `rateLimit.streamQuotas`; a misspelt name does not compile.
 */
export interface StreamQuotaMap extends BuiltInQuotas {}

export type StreamQuotaName = keyof StreamQuotaMap & string;
