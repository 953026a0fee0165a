// @ts-check
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const inputs = ['src', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'];

/**
 * Folders count too: their time changes when a file is deleted or renamed.
 * @type {(path: string) => number}
 */
const newest = (path) => {
  const stat = statSync(path);
  if (!stat.isDirectory()) return path.endsWith('.spec.ts') ? 0 : stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
};

/** @type {(entry: string) => boolean} */
function isStale(entry) {
  const output = join(root, entry);
  if (!existsSync(output)) return true;
  // A production image holds dist only: nothing to compare with, nothing to build from.
  if (!existsSync(join(root, 'src'))) return false;
  return Math.max(...inputs.map((input) => newest(join(root, input)))) > statSync(output).mtimeMs;
}

/**
 * Builds when `entry` is missing or older than the sources. All output goes to stderr: stdout is the program's.
 * @type {(entry: string) => void}
 */
export function buildIfNeeded(entry) {
  if (!isStale(entry)) return;
  process.stderr.write('dist is missing or older than src: building once\n');
  const nest = createRequire(import.meta.url).resolve('@nestjs/cli/bin/nest.js');
  const { status } = spawnSync(process.execPath, [nest, 'build'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}

// Run by itself: for whoever needs the build but starts it in a process of its own.
if (process.argv[1] === fileURLToPath(import.meta.url)) buildIfNeeded('dist/main.js');
