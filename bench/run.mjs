// @ts-check
/** Compiles the benchmarks together with the sources they measure and runs them: node bench/run.mjs [section …] */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(fileURLToPath(import.meta.url), '../..');
const out = join(root, '.bench');
const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));

/** These compare with nobody else's packages. */
const WITHOUT_PEERS =
  /^(?:purpose-client|isolation|access|auth|auth-[a-z]+|billing-(?:log|webhook|backfill))$/;
if (words.length === 0 || words.some((word) => !WITHOUT_PEERS.test(word))) installPeers();

rmSync(out, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.bench.json')],
  {
    stdio: 'inherit',
    cwd: root,
  },
);
// Scripts, migrations and lists lie beside the code that loads them; the compiler copies code only.
for (const folder of ['src', 'bench']) {
  cpSync(join(root, folder), join(out, folder), {
    recursive: true,
    filter: (path) =>
      !path.endsWith('node_modules') &&
      (statSync(path).isDirectory() || /\.(lua|bloom|sql|json|c|h)$/.test(path)),
  });
}
if (existsSync(peers())) symlinkSync(peers(), join(out, 'bench/node_modules'), 'junction');
await import(pathToFileURL(join(out, 'bench/main.js')).href);

function peers() {
  return join(root, 'bench/node_modules');
}

/** What is compared with is no dependency of the product, so it is installed by the first run that needs it. */
function installPeers() {
  const installed = join(peers(), '.package-lock.json');
  const wanted = join(root, 'bench/package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  execFileSync('npm', ['ci'], {
    stdio: 'inherit',
    cwd: join(root, 'bench'),
    shell: process.platform === 'win32',
  });
}
