// @ts-check
/**
 * Runs a built entry and builds it first if needed:
 *   node scripts/run.mjs [--profile=demo] dist/main.js [arguments of the program …]
 * The program runs in this very process, so signals and exit codes are its own.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildIfNeeded, root } from './build-if-needed.mjs';

const words = process.argv.slice(2);
const profile = words[0]?.startsWith('--profile=') ? words.shift()?.slice('--profile='.length) : undefined;
const entry = words.shift();
if (!entry) {
  process.stderr.write('usage: node scripts/run.mjs [--profile=<name>] <entry> [arguments …]\n');
  process.exit(64);
}

buildIfNeeded(entry.startsWith('dist/') ? entry : 'dist/main.js');
const file = join(root, entry);
if (!existsSync(file)) {
  process.stderr.write(`${entry} does not exist, and the build did not produce it\n`);
  process.exit(66);
}
if (profile) process.env.APP_PROFILE = profile;
process.argv = [process.execPath, file, ...words];
await import(pathToFileURL(file).href);
