import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { withEngine } from './support/engine.js';

const SOURCES = fileURLToPath(new URL('../../src', import.meta.url));
const COMPILES = "local compiled, fault = loadstring(ARGV[1], '@user_script') return fault or 'compiles'";

async function productScripts(): Promise<{ file: string; source: string }[]> {
  const files = (await readdir(SOURCES, { recursive: true })).filter((file) => file.endsWith('.lua')).sort();
  return Promise.all(
    files.map(async (file) => ({ file, source: await readFile(join(SOURCES, file), 'utf8') })),
  );
}

withEngine('Scripts of the product', (engine) => {
  it('every one compiles', async () => {
    for (const { file, source } of await productScripts()) {
      expect([file, await engine.redis.eval(COMPILES, 0, withoutHeader(source))]).toEqual([file, 'compiles']);
      expect(await engine.redis.script('LOAD', source)).toMatch(/^[0-9a-f]{40}$/);
    }
  });

  it('none uses what the embedded engine cannot do: %d of a large number, error() with a table, setresp', async () => {
    for (const { file, source } of await productScripts()) {
      const code = source.replaceAll(/--.*$/gm, '');
      expect([file, /%\d*d\b|\berror\s*\(?\s*\{|\bsetresp\b/.exec(code)?.[0]]).toEqual([file, undefined]);
    }
  });
});

function withoutHeader(source: string): string {
  return source.replace(/^#!.*/, '');
}
