// @ts-check
/** Compiles the benchmarks together with the sources they measure and runs them: node bench/run.mjs [section …] */
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(fileURLToPath(import.meta.url), '../..');
const out = join(root, '.bench');
rmSync(out, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.bench.json')],
  {
    stdio: 'inherit',
    cwd: root,
  },
);
// Scripts lie beside the code that loads them; the compiler copies code only.
cpSync(join(root, 'src'), join(out, 'src'), {
  recursive: true,
  filter: (path) => statSync(path).isDirectory() || path.endsWith('.lua'),
});
await import(pathToFileURL(join(out, 'bench/main.js')).href);
