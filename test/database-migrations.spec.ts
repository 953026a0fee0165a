import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root } from './architecture/project-files.js';

const MIGRATIONS = join(root, 'src/database/migrations');

let folder: string;
beforeEach(() => {
  // Inside the project, where the generator finds its packages; git does not see it.
  mkdirSync(join(root, '.bulkhead'), { recursive: true });
  folder = mkdtempSync(join(root, '.bulkhead', 'migrations-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What `npm run db:generate` would write, beside the migrations that there are. */
function generated(schema: string): string[] {
  const out = join(folder, 'migrations');
  cpSync(MIGRATIONS, out, { recursive: true });
  const config = join(folder, 'drizzle.config.json');
  writeFileSync(config, JSON.stringify({ dialect: 'postgresql', schema, out: relative(root, out) }));
  const kit = join(root, 'node_modules/drizzle-kit/bin.cjs');
  execFileSync(process.execPath, [kit, 'generate', `--config=${relative(root, config)}`], {
    cwd: root,
    // A question, as about a column that may have been renamed, finds nobody.
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
  });
  const before = readdirSync(MIGRATIONS);
  return readdirSync(out).filter((name) => !before.includes(name));
}

describe('the migrations', () => {
  it('make the tables that the code uses: npm run db:generate has nothing to add', () => {
    expect(generated('./src/**/*.tables.ts')).toEqual([]);
  });

  it('would get another one for a column that none of them makes', () => {
    const tables = readFileSync(join(root, 'src/mail/mail.tables.ts'), 'utf8');
    const changed = join(folder, 'changed.tables.ts');
    writeFileSync(changed, tables.replace(/attempts: integer\(\)/, 'extra: text(), attempts: integer()'));
    // The other tables stay, or their loss would be asked about.
    for (const name of ['identity', 'status'])
      cpSync(join(root, `src/${name}/${name}.tables.ts`), join(folder, `${name}.tables.ts`));
    expect(generated(`./${relative(root, folder)}/*.tables.ts`)).toHaveLength(1);
  });
});
