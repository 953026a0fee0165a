import { DeclarationError } from '../declaration-error.js';
import { LIMIT_NAME } from '../name-rule.js';
import type { ConcurrentLimitRow, StreamQuotaRow, StreamQuotaTable } from './stream-quota.js';

const MOST_LIMITS = 8;
/** Of one subject. All of them are members of one sorted set, and are renewed every few seconds. */
const MOST_STREAMS = 100_000;
const SHORTEST_LEASE_MS = 1000;
const LONGEST_LEASE_MS = 3_600_000;

/** A stream quota that cannot be counted, or that nobody has; the application does not start. */
export class StreamQuotaError extends DeclarationError {
  protected readonly subject = 'stream quotas';
}

/**
 * @param hasPolicy whether a policy of this name can be checked
 * @throws StreamQuotaError with every fault of every quota
 */
export function assertStreamQuotas(table: StreamQuotaTable, hasPolicy: (name: string) => boolean): void {
  const faults = Object.entries(table).flatMap(([name, quota]) =>
    faultsOf(name, quota, hasPolicy).map((fault) => `Stream quota "${name}": ${fault}`),
  );
  if (faults.length > 0) throw new StreamQuotaError(faults);
}

function faultsOf(name: string, quota: StreamQuotaRow, hasPolicy: (name: string) => boolean): string[] {
  const { concurrent, connects, leaseMs } = quota;
  if (!LIMIT_NAME.fits(name)) return [LIMIT_NAME.text];
  if (concurrent.length === 0 || concurrent.length > MOST_LIMITS)
    return [`it needs one limit to ${MOST_LIMITS} in \`concurrent\``];
  return [
    ...concurrent.flatMap((row) => limitFaults(name, row)),
    ...(new Set(concurrent.map(({ per }) => per)).size < concurrent.length
      ? ['two limits count the same dimension; keep the smaller one']
      : []),
    ...(connects !== undefined && !hasPolicy(connects)
      ? [`connects: there is no rate-limit policy "${connects}"`]
      : []),
    ...(leaseMs !== undefined && !isLease(leaseMs)
      ? [`leaseMs ${leaseMs} must be a whole number from ${SHORTEST_LEASE_MS} to ${LONGEST_LEASE_MS}`]
      : []),
  ];
}

function limitFaults(quota: string, { per, streams, unless }: ConcurrentLimitRow): string[] {
  const say = (fault: string): string => `limit per ${per}: ${fault}`;
  return [
    ...streamsFaults(streams).map(say),
    ...(unless === per ? [say('it can never apply, since it is for those without that very dimension')] : []),
    ...(LIMIT_NAME.fits(concurrentLimitName(quota, per))
      ? []
      : [say(`"${concurrentLimitName(quota, per)}" is longer than 32 characters; shorten the quota's name`)]),
  ];
}

/** What is wrong with a number of streams. */
export function streamsFaults(streams: number): string[] {
  return Number.isSafeInteger(streams) && streams > 0 && streams <= MOST_STREAMS
    ? []
    : [`streams ${streams} must be a whole number from 1 to ${MOST_STREAMS}`];
}

function isLease(ms: number): boolean {
  return Number.isSafeInteger(ms) && ms >= SHORTEST_LEASE_MS && ms <= LONGEST_LEASE_MS;
}

/** The name of a limit in headers and problem details: `chat-user`. */
export function concurrentLimitName(quota: string, per: string): string {
  return `${quota}-${per.toLowerCase()}`;
}
