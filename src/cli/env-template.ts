import { DEVELOPMENT_SERVERS } from './development-servers.js';
import type { DocumentedVariable, VariableGroup } from './environment-variables.js';
import { PROFILE_NOTES, PROFILE_RULE, PROFILE_VARIABLE } from './profile-notes.js';

const HEAD = [
  'Settings of the application. Copy this file to .env, which is read at the start;',
  'a variable of the process wins over its line here.',
  '',
  'Generated from the settings classes by "npm run docs:generate": do not edit .env.example.',
  'Lines in use name the servers of docker-compose.yml. A line behind # shows what holds when it',
  'is left out, or an example where the text above it ends with "unset by default".',
  'NAME_FILE is the path of a file with the value, for secrets; set it or NAME, not both. The file holds',
  `the value alone, without a line break at its end: printf '%s' "$VALUE" > file`,
  'To judge a file without starting anything: npm run cli -- env --check .env',
];

/** The text of `.env.example`. */
export function envTemplate(groups: readonly VariableGroup[]): string {
  const sections = groups.map(({ title, variables }) => [...heading(title), ...variables.flatMap(lines)]);
  return [
    ...HEAD.map(comment),
    '',
    ...profile(),
    ...sections.flatMap((section) => ['', ...section]),
    '',
  ].join('\n');
}

function profile(): string[] {
  const notes = Object.entries(PROFILE_NOTES).map(([name, note]) => comment(`  ${name}: ${note}`));
  return [...heading('Profile'), comment(`${PROFILE_RULE}.`), ...notes, `#${PROFILE_VARIABLE}=development`];
}

function heading(title: string): string[] {
  return [comment(`== ${title} ==`), ''];
}

function lines({ name, doc, type, fileName, ...variable }: DocumentedVariable): string[] {
  const unset = variable.default === undefined ? '; unset by default' : '';
  const value = variable.default ?? variable.example ?? '';
  const used = DEVELOPMENT_SERVERS[name];
  return [
    comment(`${doc} (${type}${unset}).`),
    used === undefined ? `#${name}=${value}` : `${name}=${used}`,
    ...(fileName === undefined ? [] : [`#${fileName}=/run/secrets/${name.toLowerCase()}`]),
  ];
}

function comment(text: string): string {
  return text === '' ? '#' : `# ${text}`;
}
