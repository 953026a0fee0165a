import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** A suite that was left out because there was no server. */
export interface UnprovenSuite {
  file: string;
  name: string;
}

/** How to get a server, wherever somebody reads that one is missing. */
export const HOW_TO_GET_A_SERVER = [
  'Debian, Ubuntu:  sudo apt-get install -y --no-install-recommends redis-server',
  'Fedora, RHEL:    sudo dnf install -y valkey    (or: redis)',
  'Alpine:          apk add redis',
  'macOS:           brew install redis',
  'elsewhere:       REDIS_SERVER_BIN=/path/to/redis-server npm test',
];

/** Test files run in processes of their own: a file is the way back to the process that prints the report. */
export function recordUnproven(reportFile: string, suite: UnprovenSuite): void {
  appendFileSync(reportFile, `${JSON.stringify(suite)}\n`);
}

export function readUnproven(reportFile: string): UnprovenSuite[] {
  if (!existsSync(reportFile)) return [];
  const lines = readFileSync(reportFile, 'utf8').split('\n').filter(Boolean);
  return [...new Set(lines)].map((line) => JSON.parse(line) as UnprovenSuite);
}

/** The one block at the end of a run; undefined when nothing was left out. */
export function unprovenBlock(suites: UnprovenSuite[]): string | undefined {
  if (suites.length === 0) return undefined;
  const rule = '!'.repeat(100);
  return [
    '',
    rule,
    `NOT PROVEN: ${suites.length} suite(s) need a real redis-server, and none was found. They did not run:`,
    ...suites.map(({ file, name }) => `  - ${file}: ${name}`),
    'To run them, install a server and repeat `npm test`:',
    ...HOW_TO_GET_A_SERVER.map((line) => `  ${line}`),
    'CI=true or REQUIRE_REAL_REDIS=1 turns this into a failure.',
    rule,
    '',
  ].join('\n');
}
