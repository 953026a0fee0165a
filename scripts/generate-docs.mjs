// @ts-check
/**
 * Writes the documents that are made of the product (src/app.documents.ts), and before them what its handlers answer,
 * which only the compiler knows. `--check` writes nothing and fails when a file is not what would be written.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { answerSchemas } from './answer-schemas.mjs';
import { buildIfNeeded, root } from './build-if-needed.mjs';
import { pretty } from './pretty.mjs';

/** @type {string[]} */
const stale = [];
await put('src/app.openapi-answers.json', `${JSON.stringify(answerSchemas(), null, 2)}\n`);

buildIfNeeded('dist/app.documents.js');
const built = pathToFileURL(join(root, 'dist/app.documents.js')).href;
const { generatedDocuments } = /** @type {typeof import('../src/app.documents.js')} */ (await import(built));
for (const [path, text] of Object.entries(await generatedDocuments())) await put(path, text);

if (process.argv.includes('--check') && stale.length > 0) {
  process.stderr.write(`${stale.join(', ')}: not what the sources say. Run npm run docs:generate\n`);
  process.exit(1);
}
process.exit(0);

/** @type {(path: string, text: string) => Promise<void>} */
async function put(path, text) {
  const file = join(root, path);
  const wanted = await pretty(path, text);
  if (existsSync(file) && readFileSync(file, 'utf8') === wanted) return;
  stale.push(path);
  if (!process.argv.includes('--check')) writeFileSync(file, wanted);
}
