import { DeclarationError } from '../declaration-error.js';
import { LIMIT_NAME } from '../name-rule.js';
import type { LimitRow, Policy, PolicyTable } from './policy.js';

const LONGEST_WINDOW_MS = 35 * 86_400_000;
const MOST_LIMITS = 8;

/** A policy table that cannot be counted, kept or written into a header; the application does not start. */
export class PolicyError extends DeclarationError {
  protected readonly subject = 'rate-limit policies';
}

/** @throws PolicyError with every fault of every policy */
export function assertPolicies(policies: PolicyTable): void {
  const entries = Object.entries(policies);
  const faults = [...entries.flatMap(([name, policy]) => faultsOf(name, policy)), ...sharedNames(entries)];
  if (faults.length > 0) throw new PolicyError(faults);
}

function faultsOf(name: string, policy: Policy): string[] {
  const { limits, credential } = policy;
  const say = (fault: string): string => `Policy "${name}": ${fault}`;
  if (!LIMIT_NAME.fits(name)) return [say(LIMIT_NAME.text)];
  if (limits.length === 0 || limits.length > MOST_LIMITS)
    return [say(`it needs one limit to ${MOST_LIMITS}`)];
  const names = limits.map((limit) => limitName(name, policy, limit));
  return [
    ...limits.flatMap((limit, at) =>
      limitFaults(limit).map((fault) => say(`limit "${names[at]}": ${fault}`)),
    ),
    ...(new Set(names).size < names.length ? [say('two limits have one name; give them a `name`')] : []),
    ...names.filter((own) => !LIMIT_NAME.fits(own)).map((own) => say(`"${own}" is no name for a limit`)),
    ...(credential && limits.some(({ outage }) => outage === 'allow')
      ? [say('it guards a credential, so no limit of it may have outage "allow"; use "local" or "deny"')]
      : []),
  ];
}

/** One header may tell limits of several policies, by their names alone. */
function sharedNames(policies: readonly (readonly [name: string, policy: Policy])[]): string[] {
  const owners = new Map<string, string>();
  const faults: string[] = [];
  for (const [name, policy] of policies) {
    for (const own of new Set(policy.limits.map((limit) => limitName(name, policy, limit)))) {
      const other = owners.get(own);
      if (other === undefined) owners.set(own, name);
      else
        faults.push(
          `Policies "${other}" and "${name}" have a limit "${own}" each; give one of them another \`name\``,
        );
    }
  }
  return faults;
}

function limitFaults(limit: LimitRow): string[] {
  const { quota, windowMs } = limit;
  const bursts = limit.kind === 'window' ? [] : [limit.burst];
  const whole = (value: number): boolean => Number.isSafeInteger(value) && value > 0;
  return [
    ...(whole(quota) ? [] : [`quota ${quota} must be a whole number above 0`]),
    ...bursts
      .filter((burst) => !whole(burst))
      .map((burst) => `burst ${burst} must be a whole number above 0`),
    ...(Number.isFinite(windowMs) && windowMs >= 1 ? [] : [`windowMs ${windowMs} must be at least 1 ms`]),
    ...(windowMs > LONGEST_WINDOW_MS ? [`windowMs ${windowMs} must be at most 35 days`] : []),
    ...(quota > windowMs * 1000 ? [`quota ${quota} must be at most one unit per microsecond`] : []),
    ...bursts
      .filter((burst) => burst > quota)
      .map((burst) => `burst ${burst} must not exceed the quota ${quota}`),
  ];
}

/** The name of a limit in headers and problem details. */
export function limitName(policy: string, { limits }: Policy, { name, per }: LimitRow): string {
  return name ?? (limits.length === 1 ? policy : `${policy}-${per.toLowerCase()}`);
}
