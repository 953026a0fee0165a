import { Command, Help, type Option } from 'commander';
import { addAdminCreateCommand } from './admin-create.command.js';
import { addAdminRevokeCommand } from './admin-revoke.command.js';
import { addBillingOpsCommands } from './billing-ops.command.js';
import { addBillingSendCommand } from './billing-send.command.js';
import type { CliContext, ExitCode } from './cli-context.js';
import { addDbMigrateCommand } from './db-migrate.command.js';
import { addEnvCommand } from './env.command.js';
import { addLoadTestCommand } from './load-test.command.js';
import { addRedisAclCommand } from './redis-acl.command.js';
import { addRedisCheckCommand } from './redis-check.command.js';
import { addRedisPurposesCommand } from './redis-purposes.command.js';
import { addServiceAccountCreateCommand } from './service-account-create.command.js';
import { addServiceAccountSignCommand } from './service-account-sign.command.js';

/**
 * The tree of commands. It is built for every call, `--help` included, and docs/cli.md is made of it; so a
 * command's file registers names and texts, and imports what it works with when it runs.
 *
 * @param finish gets the exit code of the command that ran
 */
export function createProgram(context: CliContext, finish: (code: ExitCode) => void): Command {
  const { output, version } = context;
  const program = new Command('bulkhead')
    .description('Looks at the Redis compartments and the settings of a Bulkhead application, and drives it.')
    .version(version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .configureOutput({
      writeOut: (text) => output.out(text.trimEnd()),
      writeErr: (text) => output.err(text.trimEnd()),
    })
    .configureHelp({ optionDescription: describeOption })
    .showHelpAfterError()
    .exitOverride();
  const redis = program.command('redis').description('the servers of the purposes').helpCommand(false);
  addRedisCheckCommand(redis, context, finish);
  addRedisPurposesCommand(redis, context, finish);
  addRedisAclCommand(redis, context, finish);
  const db = program.command('db').description('the SQL database').helpCommand(false);
  addDbMigrateCommand(db, context, finish);
  const admin = program.command('admin').description('who administers the installation').helpCommand(false);
  addAdminCreateCommand(admin, context, finish);
  addAdminRevokeCommand(admin, context, finish);
  const service = program
    .command('service-account')
    .description('programs that sign their requests for a token')
    .helpCommand(false);
  addServiceAccountCreateCommand(service, context, finish);
  addServiceAccountSignCommand(service, context, finish);
  const billing = program
    .command('billing')
    .description('billing events: what came in, and what is to be told once more')
    .helpCommand(false);
  addBillingSendCommand(billing, context, finish);
  addBillingOpsCommands(billing, context, finish);
  addEnvCommand(program, context, finish);
  addLoadTestCommand(program, context, finish);
  return program;
}

/** Commander does not say in its help which options it insists on. */
function describeOption(option: Option): string {
  const description = Help.prototype.optionDescription(option);
  return option.mandatory ? `${description} (required)` : description;
}
