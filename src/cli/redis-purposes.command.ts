import type { Command } from 'commander';
import { EXIT } from '../kernel/errors.js';
import type { PurposeDefinition } from '../redis/index.js';
import type { CliContext, ExitCode } from './cli-context.js';
import { perform } from './perform.js';
import { alignColumns } from './table.js';

export function addRedisPurposesCommand(
  parent: Command,
  context: CliContext,
  finish: (code: ExitCode) => void,
): void {
  parent
    .command('purposes')
    .summary('show the purpose matrix')
    .description('Shows every purpose with its variables, namespace, outage policy, lanes and requirements.')
    .option('--json', 'print one JSON document')
    .action(perform((options: { json?: boolean }) => showPurposes(options, context), finish));
}

async function showPurposes({ json }: { json?: boolean }, context: CliContext): Promise<ExitCode> {
  const { purposeTable } = await import('../redis/index.js');
  const house = await context.application();
  const purposes = Object.entries(purposeTable(await house.modules()));
  context.output.out(
    json
      ? JSON.stringify({ purposes: purposes.map(([purpose, row]) => ({ purpose, ...row })) }, null, 2)
      : purposesText(purposes),
  );
  return EXIT.ok;
}

export function purposesText(purposes: readonly (readonly [string, PurposeDefinition])[]): string {
  const head = ['PURPOSE', 'ADDRESS FROM', 'KEYS', 'OUTAGE', 'LANES', 'COMMANDS', 'SERVER MUST HAVE'];
  const rows = purposes.map(([purpose, row]) => [
    purpose,
    `${row.env}_URL, else REDIS_URL`,
    `${row.namespace}:*`,
    row.outage,
    lanesText(row),
    String(row.commands.length),
    requirementsText(row),
  ]);
  return [
    ...alignColumns([head, ...rows]),
    '',
    'Lanes: a call is answered or failed within the time given; on the blocking lane it is the longest wait.',
    'Required is refused in staging and production, advised is warned about.',
  ].join('\n');
}

function lanesText({ lanes }: PurposeDefinition): string {
  return Object.entries(lanes)
    .map(([lane, { commandMs }]) => `${lane} ${commandMs}ms`)
    .join(', ');
}

function requirementsText({ eviction, persistence, aclUser }: PurposeDefinition): string {
  return [
    `noeviction ${eviction === 'require' ? 'required' : 'advised'}`,
    `ACL user ${aclUser}`,
    ...(persistence === 'require' ? ['AOF required'] : []),
  ].join(', ');
}
