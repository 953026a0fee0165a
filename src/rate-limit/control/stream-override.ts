import type { CompiledQuota, ConcurrentLimit } from '../leases/compiled-quota.js';
import { streamsFaults } from '../leases/stream-quota-rules.js';
import { InvalidRulingError } from './control.errors.js';
import type { StoredTarget } from './limit-rules.js';

/** So many streams open at once instead of what the limit of a stream quota says. */
export interface StreamOverride extends StoredTarget {
  readonly streamQuota: string;
  readonly limit: string;
  readonly streams: number;
}

/**
 * The limit that holds for those whom the override is for. It counts the same leases, so what is open goes on counting.
 *
 * @throws InvalidRulingError where the quota has no such limit, or would be refused with this one at start
 */
export function compileStreamOverride(
  { name: quota, limits }: CompiledQuota,
  { limit: name, streams }: StreamOverride,
): ConcurrentLimit {
  const base = limits.find((limit) => limit.name === name);
  if (!base) throw new InvalidRulingError([`Stream quota "${quota}" has no limit "${name.slice(0, 64)}".`]);
  const faults = streamsFaults(streams);
  if (faults.length > 0)
    throw new InvalidRulingError(
      faults.map((fault) => `Stream quota "${quota}": limit "${name}": ${fault}.`),
    );
  return { ...base, streams };
}
