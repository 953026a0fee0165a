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
}

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
    .action(perform((options: AclOptions) => printRules(options, context), finish));
}

async function printRules(options: AclOptions, { application, output }: CliContext): Promise<ExitCode> {
  const { purpose, redisVersion, user, db } = options;
  parseRedisVersion(redisVersion);
  if (user !== undefined && purpose === undefined) throw new UsageError('--user needs --purpose');
  // A blank would end the name, and the rest of it would be read as rules.
  if (user !== undefined && !/^[^\s]+$/.test(user)) throw new UsageError('--user must have no blanks');
  if (!/^\d{1,6}$/.test(db)) throw new UsageError('--db must be a whole number from 0 on');
  const { aclRule, purposeTable } = await import('../redis/index.js');
  const house = await application();
  const table = purposeTable(await house.modules());
  assertPurpose(purpose, table);
  for (const [name, definition] of Object.entries(table)) {
    if (name !== (purpose ?? name)) continue;
    const rule = aclRule({ user: user ?? `bulkhead-${definition.namespace}`, definition, db: Number(db) });
    output.out(completeRule(rule));
  }
  return EXIT.ok;
}
