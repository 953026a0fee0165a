// @ts-check
/**
 * Writes the documents that are made of the product (src/app.documents.ts). `--check` writes nothing and fails
 * when a file is not what would be written.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { buildIfNeeded, root } from './build-if-needed.mjs';
import { pretty } from './pretty.mjs';

buildIfNeeded('dist/app.documents.js');
const built = pathToFileURL(join(root, 'dist/app.documents.js')).href;
const { generatedDocuments } = /** @type {typeof import('../src/app.documents.js')} */ (await import(built));

const stale = [];
for (const [path, text] of Object.entries(await generatedDocuments())) {
  const file = join(root, path);
  const wanted = await pretty(path, text);
  if (existsSync(file) && readFileSync(file, 'utf8') === wanted) continue;
  stale.push(path);
  if (!process.argv.includes('--check')) writeFileSync(file, wanted);
}

if (process.argv.includes('--check') && stale.length > 0) {
  process.stderr.write(`${stale.join(', ')}: not what the sources say. Run npm run docs:generate\n`);
  process.exit(1);
}
process.exit(0);
