import { InvalidRulingError } from './control.errors.js';
import type { OverrideDto, OverridePlaceDto } from './control.dto.js';
import type { OverrideRule } from './override.js';
import type { OverrideReport } from './rate-limit-control.js';
import type { OverrideTarget } from './ruling-subjects.js';

/** Between the bodies of the endpoints and what they are about. Everything throws InvalidRulingError. */

/** A policy, with the limit where it is about one; or a limit of a stream quota. */
export type OverridePlace =
  | { readonly policy: string; readonly limit: string | undefined }
  | { readonly streamQuota: string; readonly limit: string };

export function placeOf({ policy, stream_quota, limit }: OverridePlaceDto): OverridePlace {
  if (stream_quota && !policy) {
    if (!limit) throw new InvalidRulingError(['A stream quota is overridden limit by limit; name a limit.']);
    return { streamQuota: stream_quota, limit };
  }
  if (!policy || stream_quota) throw new InvalidRulingError(['Name one of policy and stream_quota.']);
  return { policy, limit: limit ?? undefined };
}

/** The one thing that can be another one under a limit of a stream quota. */
export function streamsOf({ streams, quota, window_ms, burst, exempt, mode }: OverrideDto): number {
  if ([quota, window_ms, burst].some(isGiven) || exempt || mode)
    throw new InvalidRulingError([
      'Of a stream quota only streams can be set: how many may be open at once.',
    ]);
  if (!isGiven(streams)) throw new InvalidRulingError(['Say streams: how many may be open at once.']);
  return streams;
}

/** As the list of overrides shows it. */
export function overrideOf(override: OverrideReport) {
  const { inForce: in_force } = override;
  if ('policyMode' in override) return { policy: override.policy, mode: override.policyMode, in_force };
  const { limit, id, label, pattern } = override;
  const target = pattern === undefined ? { id, label } : { pattern };
  if ('streamQuota' in override) {
    const { streamQuota: stream_quota, streams } = override;
    return { stream_quota, limit, ...target, streams, in_force };
  }
  const { policy, rule } = override;
  if (!('quota' in rule)) return { policy, limit, ...target, ...rule, in_force };
  const { quota, windowMs: window_ms, burst } = rule;
  return { policy, limit, ...target, quota, window_ms, burst, in_force };
}

export function targetOf({ subject, pattern, id }: OverridePlaceDto): OverrideTarget {
  const named = [subject && { subject }, pattern && { pattern }, id && { id }].filter((one) => one);
  const [target] = named;
  if (!target || named.length > 1) throw new InvalidRulingError(['Name one of subject, pattern and id.']);
  return target;
}

export function assertWhole({ subject, pattern, id }: OverridePlaceDto): void {
  if (subject || pattern || id)
    throw new InvalidRulingError(['Name the limit that is to be another one for them.']);
}

export function ruleOf(
  { limit, quota, window_ms, burst, exempt, mode, streams }: OverrideDto,
  kind: string | undefined,
): OverrideRule {
  if (isGiven(streams)) throw new InvalidRulingError(['A policy counts no streams; name a stream_quota.']);
  const numbers = [quota, window_ms, burst].some(isGiven);
  const said = [numbers, exempt, mode].filter((one) => one).length;
  if (said !== 1)
    throw new InvalidRulingError(['Say one of these: quota, window_ms and burst; exempt; mode.']);
  if (exempt) return { exempt };
  if (mode === 'enforce' && limit)
    throw new InvalidRulingError(['Only a policy as a whole can be made to enforce.']);
  if (mode) return { mode: 'shadow' };
  const needed = { quota, window_ms, ...(kind === 'rate' ? { burst } : {}) };
  const missing = Object.entries(needed).flatMap(([name, value]) => (isGiven(value) ? [] : [name]));
  if (!isGiven(quota) || !isGiven(window_ms) || missing.length > 0)
    throw new InvalidRulingError(missing.map((name) => `Other numbers need ${name}.`));
  return { quota, windowMs: window_ms, ...(isGiven(burst) ? { burst } : {}) };
}

function isGiven(value: number | null | undefined): value is number {
  return value !== undefined && value !== null;
}
