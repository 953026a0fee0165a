import type { Command } from 'commander';
import { EXIT } from '../kernel/errors.js';
import { DEFAULT_VERSION, completeRule, parseRedisVersion } from './acl-line.js';
import { type CliContext, type ExitCode, UsageError } from './cli-context.js';
import { assertPurpose } from './known-purpose.js';
import { perform } from './perform.js';

interface AclOptions {
  readonly purpose?: string;
  readonly redisVersion: string;
  readonly user?: string;
  readonly db: string;
  readonly topology: string;
  readonly waitReplicas?: string;
  readonly sentinels?: boolean;
}

const TOPOLOGIES = ['standalone', 'sentinel', 'cluster'] as const;

export function addRedisAclCommand(
  parent: Command,
  context: CliContext,
  finish: (code: ExitCode) => void,
): void {
  parent
    .command('acl')
    .summary('print the ACL rule of a purpose')
    .description(
      'Prints the least ACL rule that lets the application work, one line per purpose, for an ACL file; ' +
        'PASSWORD is left to fill in. "ACL SETUSER" takes the same line without its first word.',
    )
    .option('-p, --purpose <name>', 'this purpose only')
    .option('--redis-version <version>', 'server that the rule is for, 7.0 or newer', DEFAULT_VERSION)
    .option('--user <name>', 'name of the user, with --purpose; otherwise bulkhead-<namespace>')
    .option('--db <number>', 'database in the URL: any but 0 needs the right to select it', '0')
    .option('--topology <kind>', 'standalone, sentinel or cluster', 'standalone')
    .option(
      '--wait-replicas <number>',
      'replicas that a write waits for; otherwise as the application decides',
    )
    .option('--sentinels', 'the rule for the Sentinels, which keep users of their own')
    .action(perform((options: AclOptions) => printRules(options, context), finish));
}

async function printRules(options: AclOptions, { application, output }: CliContext): Promise<ExitCode> {
  const { purpose, redisVersion, user, db, topology, waitReplicas, sentinels } = options;
  parseRedisVersion(redisVersion);
  if (user !== undefined && purpose === undefined) throw new UsageError('--user needs --purpose');
  // A blank would end the name, and the rest of it would be read as rules.
  if (user !== undefined && !/^[^\s]+$/.test(user)) throw new UsageError('--user must have no blanks');
  if (!/^\d{1,6}$/.test(db)) throw new UsageError('--db must be a whole number from 0 on');
  const kind = TOPOLOGIES.find((known) => known === topology);
  if (!kind) throw new UsageError(`--topology must be one of ${TOPOLOGIES.join(', ')}`);
  if (waitReplicas !== undefined && !/^[0-5]$/.test(waitReplicas))
    throw new UsageError('--wait-replicas must be a whole number from 0 to 5');
  const { aclRule, purposeTable, sentinelAclRule, usualWaitReplicas } = await import('../redis/index.js');
  const house = await application();
  const table = purposeTable(await house.modules());
  assertPurpose(purpose, table);
  for (const [row, definition] of Object.entries(table)) {
    if (row !== (purpose ?? row)) continue;
    const name = user ?? `bulkhead-${definition.namespace}`;
    const request = {
      user: name,
      definition,
      db: Number(db),
      topology: kind,
      waitReplicas: waitReplicas === undefined ? usualWaitReplicas(definition, kind) : Number(waitReplicas),
    };
    output.out(completeRule(sentinels ? sentinelAclRule(name) : aclRule(request)));
  }
  return EXIT.ok;
}
