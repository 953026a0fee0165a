import { type CompiledLimit, compileLimit } from '../policies/compiled-limit.js';
import { LIMIT_NAME } from '../name-rule.js';
import type { BookedPolicy } from '../policies/plan.js';
import type { LimitRow, Policy } from '../policies/policy.js';
import { PolicyError, assertPolicies } from '../policies/policy-rules.js';
import { InvalidRulingError } from './control.errors.js';
import type { StoredTarget } from './limit-rules.js';
import type { StreamOverride } from './stream-override.js';

/** Other numbers for a limit. `burst` belongs to limits of the kind `rate`, whose burst it replaces. */
export interface OverrideNumbers {
  readonly quota: number;
  readonly windowMs: number;
  readonly burst?: number;
}

/** What holds instead of a limit: other numbers, no limit at all, or a limit that counts and never denies. */
export type OverrideRule = OverrideNumbers | { readonly exempt: true } | { readonly mode: 'shadow' };

/** A policy as a whole: what was asked of it at start does not matter. */
export const POLICY_MODES = ['enforce', 'shadow'] as const;
export type PolicyMode = (typeof POLICY_MODES)[number];

/** For one limit of one subject, or of all subjects that a pattern stands for. */
export interface LimitOverride extends StoredTarget {
  readonly policy: string;
  readonly limit: string;
  readonly rule: OverrideRule;
}

export interface ModeOverride {
  readonly policy: string;
  readonly policyMode: PolicyMode;
}

export type Override = LimitOverride | ModeOverride | StreamOverride;

export const LONGEST_PATTERN = 128;
const NAME = LIMIT_NAME.source;
/** Before the name of a stream quota, which may be that of a policy as well. */
const OF_STREAMS = 'streams:';
const FIELD = new RegExp(
  `^(${OF_STREAMS})?(${NAME})(?:/(${NAME})/(?:=([\\w-]{16})|~([^\\n\\r]{1,${LONGEST_PATTERN}})))?$`,
);

/** Whether a text may name a policy or a limit, of this release or of another one. */
export function isName(text: string): boolean {
  return LIMIT_NAME.fits(text);
}

/** Field of the hash: an override that says otherwise about the same takes the place of this one. */
export function fieldOf(
  override: Omit<LimitOverride, 'rule'> | Omit<StreamOverride, 'streams'> | ModeOverride,
): string {
  if (!('limit' in override)) return override.policy;
  const { limit, id, pattern = '' } = override;
  const owner = 'policy' in override ? override.policy : OF_STREAMS + override.streamQuota;
  return `${owner}/${limit}/${id === undefined ? `~${pattern}` : `=${id}`}`;
}

export function valueOf(override: Override): string {
  if ('policyMode' in override) return JSON.stringify({ mode: override.policyMode });
  const { label } = override;
  const rule = 'streamQuota' in override ? { streams: override.streams } : override.rule;
  return JSON.stringify({ ...rule, ...(label === undefined ? {} : { label }) });
}

/** @returns undefined for what no instance of this application has written */
export function readOverride(field: string, value: string): Override | undefined {
  const [, ofStreams, owner, limit, id, pattern] = FIELD.exec(field) ?? [];
  const said = parse(value);
  if (owner === undefined || !said) return undefined;
  if (limit === undefined) return ofStreams ? undefined : readMode(owner, said);
  const { label, streams } = said;
  const target = id === undefined ? { pattern: pattern ?? '' } : { id, ...(isLabel(label) ? { label } : {}) };
  if (ofStreams)
    return typeof streams === 'number' ? { streamQuota: owner, limit, ...target, streams } : undefined;
  const rule = ruleOf(said);
  return rule && { policy: owner, limit, ...target, rule };
}

function readMode(policy: string, { mode }: Record<string, unknown>): ModeOverride | undefined {
  return mode === 'enforce' || mode === 'shadow' ? { policy, policyMode: mode } : undefined;
}

function parse(value: string): Record<string, unknown> | undefined {
  try {
    const said: unknown = JSON.parse(value);
    return typeof said === 'object' && said !== null && !Array.isArray(said)
      ? (said as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function isLabel(label: unknown): label is string {
  return typeof label === 'string' && label.length <= 64;
}

function ruleOf({ quota, windowMs, burst, exempt, mode }: Record<string, unknown>): OverrideRule | undefined {
  if (exempt === true) return { exempt };
  if (mode === 'shadow') return { mode };
  if (typeof quota !== 'number' || typeof windowMs !== 'number') return undefined;
  if (burst === undefined) return { quota, windowMs };
  return typeof burst === 'number' ? { quota, windowMs, burst } : undefined;
}

/**
 * The limit that holds for those whom the override is for.
 *
 * @throws InvalidRulingError where a policy with such a limit would be refused at start
 */
export function compileOverride(policy: BookedPolicy, { limit: name, rule }: LimitOverride): CompiledLimit {
  const { definition, limits } = policy;
  const at = limits.findIndex(({ limit }) => limit.name === name);
  const base = limits[at]?.limit;
  const row = definition.limits[at];
  if (!base || !row) throw new InvalidRulingError([`Policy "${policy.name}" has no limit "${name}".`]);
  if ('exempt' in rule) {
    if (base.credential)
      throw new InvalidRulingError([`Policy "${policy.name}" guards a credential: nobody is exempt.`]);
    return { ...base, spared: 'exempt' };
  }
  if ('mode' in rule) return { ...base, spared: 'shadow' };
  const changed = changedRow(row, rule, base);
  const altered: Policy = { ...definition, limits: definition.limits.with(at, changed) };
  try {
    assertPolicies({ [policy.name]: altered });
  } catch (error) {
    if (error instanceof PolicyError) throw new InvalidRulingError(error.faults);
    throw error;
  }
  return compileLimit(policy.name, altered, changed);
}

function changedRow(
  row: LimitRow,
  { quota, windowMs, burst }: OverrideNumbers,
  { name }: CompiledLimit,
): LimitRow {
  if (row.kind === 'window') {
    if (burst !== undefined)
      throw new InvalidRulingError([`Limit "${name}" counts windows: it has no burst.`]);
    return { ...row, quota, windowMs };
  }
  if (burst === undefined) throw new InvalidRulingError([`Limit "${name}" needs a burst.`]);
  return { ...row, quota, windowMs, burst };
}
