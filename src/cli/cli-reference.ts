import type { Command } from 'commander';
import { EXIT } from '../kernel/errors.js';
import { type ExitCode, THRESHOLD_MISSED } from './cli-context.js';
import { markdownTable } from './table.js';

const HEAD = `# The command line

Generated from the commands by \`npm run docs:generate\`: do not edit.

In a checkout \`npm run cli -- <command>\` builds if needed and runs a command; where only the build is, \`node dist/cli.js <command>\`
does. Settings are read as the application reads them: the process, over a \`.env\` file.`;

const CODES: readonly (readonly [ExitCode, string])[] = [
  [EXIT.ok, 'everything is as it should be; help and version too'],
  [THRESHOLD_MISSED, 'a load test missed a threshold'],
  [EXIT.usage, 'unknown command, option or purpose, a missing argument, a file that cannot be read'],
  [EXIT.unavailable, 'a server does not answer; it may come back by itself'],
  [EXIT.software, 'a mistake of this program'],
  [EXIT.config, 'settings are wrong, or a server contradicts them; waiting does not help'],
];

/** The text of docs/cli.md. */
export function cliReference(program: Command): string {
  const codes = markdownTable(
    ['code', 'meaning'],
    CODES.map(([code, meaning]) => [String(code), meaning]),
  );
  const commands = leavesOf(program).map(section);
  return [HEAD, '## Exit codes', codes, ...commands].join('\n\n') + '\n';
}

function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

function section(command: Command): string {
  const rows = command
    .createHelp()
    .visibleOptions(command)
    .map(({ flags, description, defaultValue, mandatory }) => [
      `\`${flags}\``,
      plain(description),
      mandatory ? 'required' : defaultValue === undefined ? '' : `\`${String(defaultValue)}\``,
    ]);
  const table = markdownTable(['option', 'meaning', 'default'], rows);
  return `## ${pathOf(command)}\n\n${plain(command.description())}\n\n\`\`\`sh\n${pathOf(command)} ${command.usage()}\n\`\`\`\n\n${table}`;
}

/** Text in which Markdown finds no emphasis: the globs of event types would be some. */
function plain(text: string): string {
  return text.replaceAll('*', '\\*');
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}
