import type { Fault, Settings, Environment } from '../config/index.js';
import { isLocal } from '../config/index.js';
import { Secret } from '../kernel/redact.js';
import { type Connection, policyFaults, processFaults, resolveConnection } from './connection.js';
import type { ConnectionRequest } from './login.js';
import { PURPOSES, type PurposeDefinition } from './purposes.js';
import { DurabilitySettings, PurposeSettings, RedisSettings, durabilityStem } from './redis.config.js';
import type { RedisModuleOptions } from './redis.options.js';
import { nameFaults, rowFaults } from './row-rules.js';

/** How every active purpose is going to be reached. */
export interface PlannedPurpose {
  readonly purpose: string;
  readonly definition: PurposeDefinition;
  readonly connection: Connection;
  /** What it was resolved from, for whoever resolves it again when files change. */
  readonly request: ConnectionRequest;
  readonly outage: 'degrade' | 'closed';
  readonly durability?: 'aof' | 'provider';
  /** Rules that only development is forgiven; shown once at start. */
  readonly warnings: readonly Fault[];
}

export function definitionsOf(options: RedisModuleOptions): Readonly<Record<string, PurposeDefinition>> {
  return { ...PURPOSES, ...options.purposes };
}

/**
 * Turns settings into connections for the active purposes. Pure but for reading TLS files; nothing connects.
 *
 * @returns the plan, and every rule that it breaks
 */
export function planPurposes(
  active: readonly string[],
  options: RedisModuleOptions,
  settings: Settings,
  env: Environment,
): { planned: PlannedPurpose[]; faults: Fault[] } {
  const shared = settings.of(RedisSettings);
  const definitions = definitionsOf(options);
  const faults: Fault[] = [];
  const sharedUrlBroken = shared.url === undefined && Boolean(env['REDIS_URL'] || env['REDIS_URL_FILE']);
  const planned: PlannedPurpose[] = [];
  for (const purpose of active) {
    const definition = definitions[purpose];
    if (!definition) {
      faults.push({
        variable: 'RedisModule.forRoot',
        purpose,
        rule: 'is imported by a module but has no row in the purpose table',
        remedy: 'Pass its row in RedisModule.forRoot({ purposes })',
      });
      continue;
    }
    const result = planPurpose({ purpose, definition, sharedUrlBroken }, options, settings);
    faults.push(...result.faults);
    if (result.planned) planned.push(result.planned);
  }
  return { planned, faults };
}

function planPurpose(
  row: Pick<ConnectionRequest, 'purpose' | 'definition' | 'sharedUrlBroken'>,
  options: RedisModuleOptions,
  settings: Settings,
): { planned?: PlannedPurpose; faults: readonly Fault[] } {
  const { purpose, definition } = row;
  const { profile } = settings;
  const own = settings.of(PurposeSettings, definition.env);
  const explicit = options.urls?.[purpose];
  const provider = options.credentials?.[purpose];
  const request: ConnectionRequest = {
    ...row,
    own,
    shared: settings.of(RedisSettings),
    profile,
    ...(explicit === undefined ? {} : { explicitUrl: new Secret(explicit) }),
    ...(provider === undefined ? {} : { provider }),
  };
  const connection = resolveConnection(request);
  if (Array.isArray(connection)) return { faults: connection };
  const broken = policyFaults(request, connection);
  const enforced = !isLocal(profile);
  const stem = durabilityStem(definition.env);
  const durability = settings.has(DurabilitySettings, stem)
    ? settings.of(DurabilitySettings, stem).durability
    : undefined;
  return {
    planned: {
      purpose,
      definition: withBudget(definition, own.commandMs),
      connection,
      request,
      outage: own.outage ?? definition.outage,
      ...(durability === undefined ? {} : { durability }),
      warnings: profile === 'development' ? broken : [],
    },
    faults: enforced ? broken : [],
  };
}

/** The row with another budget for its calls; a connection is given up after three of them as well. */
function withBudget(definition: PurposeDefinition, commandMs: number | undefined): PurposeDefinition {
  const { lanes } = definition;
  if (commandMs === undefined || !lanes.command) return definition;
  const command = { commandMs, silenceMs: 3 * commandMs };
  return { ...definition, lanes: { ...lanes, command } };
}

/** Rules that hold whatever the URLs are: about the process, the rows and the names of purposes. */
export function generalFaults(
  active: readonly string[],
  options: RedisModuleOptions,
  settings: Settings,
  env: Environment,
): Fault[] {
  const shared = settings.of(RedisSettings);
  return [
    ...processFaults(env, settings.profile, shared),
    ...rowFaults(options),
    ...nameFaults(options),
    ...requiredFaults(active, shared),
  ];
}

/** A required purpose that is not there would never be missed. */
function requiredFaults(active: readonly string[], { requiredPurposes }: RedisSettings): Fault[] {
  return requiredPurposes
    .filter((name) => !active.includes(name))
    .map((name) => ({
      variable: 'READINESS_REQUIRED_PURPOSES',
      rule: `names ${name}, which is no active purpose; there are ${active.join(', ')}`,
      remedy: 'Correct the list',
    }));
}
