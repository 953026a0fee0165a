import type { DocumentedVariable, VariableGroup } from './environment-variables.js';
import { PROFILE_NOTES, PROFILE_RULE, PROFILE_VARIABLE } from './profile-notes.js';
import { markdownTable } from './table.js';

const HEAD = `# Environment variables

Generated from the settings classes by \`npm run docs:generate\`: do not edit.

All variables are read once, at the start, from the process and from a \`.env\` file; the process wins. A variable that is set
but empty counts as unset. All faults of all variables are reported in one list, and \`npm run cli -- env --check <file>\` shows
that list without starting anything, variables of its own process included. Durations are written \`250ms\`, \`5s\`, \`2m\`, \`1h\` or \`35d\`.

A name in the column "from a file" is the path of a file that holds the value; set one of the two. A file that is empty, cannot
be read or ends with a line break is refused (\`printf '%s' "$VALUE" > file\` writes none). Files with Redis URLs, Redis passwords
and certificates are looked at again while the application runs, see [ARCHITECTURE.md](ARCHITECTURE.md#credentials-that-rotate).`;

/** The text of docs/environment.md. */
export function envReference(groups: readonly VariableGroup[]): string {
  return [HEAD, profiles(), ...groups.map(section)].join('\n\n') + '\n';
}

function profiles(): string {
  const rows = Object.entries(PROFILE_NOTES).map(([name, note]) => [code(name), note]);
  const rule = `${code(PROFILE_VARIABLE)}: ${PROFILE_RULE}.`;
  return `## Profile\n\n${rule}\n\n${markdownTable(['profile', 'meaning'], rows)}`;
}

function section({ title, variables, purpose }: VariableGroup): string {
  const head = ['name', 'type', 'default', 'secret', 'from a file', 'purpose', 'meaning'];
  const rows = variables.map((variable) => row(variable, purpose));
  return `## ${title}\n\n${markdownTable(head, rows)}`;
}

function row(variable: DocumentedVariable, purpose = ''): string[] {
  const { name, type, secret, fileName, doc, example } = variable;
  const meaning = example === undefined ? doc : `${doc}; for example ${code(example)}`;
  return [
    code(name),
    type,
    variable.default === undefined ? '' : code(variable.default),
    secret ? 'yes' : '',
    fileName === undefined ? '' : code(fileName),
    purpose,
    meaning,
  ];
}

function code(text: string): string {
  return `\`${text}\``;
}
