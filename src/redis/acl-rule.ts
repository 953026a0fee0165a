import { commandSpec } from './commands.js';
import type { PurposeDefinition } from './purposes.js';
import { WATCHED_CHANNELS } from './topology/sentinel-watch.js';
import { type Topology, usualWaitReplicas } from './topology/topology.js';

/** Beside the row's list: what the greeting and the after-connect proof need, none of which reads data. */
const ALWAYS = ['+info', '+client|info', '+client|setname', '+multi', '+discard'] as const;

export interface AclRuleOptions {
  readonly user: string;
  readonly definition: PurposeDefinition;
  readonly db: number;
  readonly topology?: Topology['kind'];
  /** Replicas that each write waits for. */
  readonly waitReplicas?: number;
}

/** What a topology needs beyond the row: as they are granted, and as they are tried. */
const CLUSTER_COMMANDS = ['cluster slots', 'cluster info', 'asking'] as const;
const WAIT_COMMAND = 'wait 0 0';

/** @returns calls that do nothing, to try the grants with */
export function furtherCommands({
  topology,
  waitReplicas = 0,
}: Pick<AclRuleOptions, 'topology' | 'waitReplicas'>): string[][] {
  const calls = [
    ...(topology === 'cluster' ? CLUSTER_COMMANDS : []),
    ...(waitReplicas > 0 ? [WAIT_COMMAND] : []),
  ];
  return calls.map((call) => call.split(' '));
}

/**
 * The least rule that lets the application work: a whitelist of commands on the namespace's keys and no
 * channel. Generated from the list that the guard enforces, so that the two cannot differ.
 *
 * @returns one line for `ACL SETUSER` or an ACL file, with `>PASSWORD` left to fill in
 */
export function aclRule(options: AclRuleOptions): string {
  const { user, definition, db } = options;
  const commands = definition.commands.flatMap((name) => {
    const subcommands = commandSpec(name)?.subcommands;
    return subcommands ? subcommands.map((sub) => `+${name}|${sub}`) : [`+${name}`];
  });
  // EXEC runs only what was granted; it is needed by transactions of the feature.
  const further = furtherCommands(options).map(([name, sub]) =>
    name === 'cluster' ? `+${name}|${sub}` : `+${name}`,
  );
  const rights = [...ALWAYS, '+exec', ...(db === 0 ? [] : ['+select']), ...commands, ...further];
  return `user ${user} on >PASSWORD resetchannels ~${definition.namespace}:* -@all ${rights.join(' ')}`;
}

/** What to put behind `redis acl` so that it prints the rule for these settings. */
export function aclOptions(
  purpose: string,
  { definition, db, topology = 'standalone', waitReplicas = 0 }: Omit<AclRuleOptions, 'user'>,
): string {
  const options = [
    `--purpose ${purpose}`,
    ...(db === 0 ? [] : [`--db ${db}`]),
    ...(topology === 'standalone' ? [] : [`--topology ${topology}`]),
    ...(waitReplicas === usualWaitReplicas(definition, topology) ? [] : [`--wait-replicas ${waitReplicas}`]),
  ];
  return options.join(' ');
}

/** The least rule for the Sentinels themselves, which keep users of their own: where the primary is, and news of it. */
export function sentinelAclRule(user: string): string {
  const channels = WATCHED_CHANNELS.map((channel) => `&${channel}`).join(' ');
  return `user ${user} on >PASSWORD resetchannels ${channels} -@all +sentinel|master +sentinel|get-master-addr-by-name +subscribe +ping`;
}
