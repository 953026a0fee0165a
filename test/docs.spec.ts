import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pretty } from '../scripts/pretty.mjs';
import { generatedDocuments } from '../src/app.documents.js';
import { DEVELOPMENT_SERVERS } from '../src/cli/development-servers.js';
import { read, root } from './architecture/project-files.js';

const documents = await generatedDocuments();

describe('the generated documents', () => {
  it.each(Object.keys(documents))('%s is what npm run docs:generate writes', async (path) => {
    expect(existsSync(join(root, path))).toBe(true);
    expect(read(path)).toBe(await pretty(path, documents[path] ?? ''));
  });

  it('name every variable once as a line of its own', () => {
    const lines = (documents['.env.example'] ?? '').split('\n');
    const names = lines.flatMap((line) => /^#?([A-Z][A-Z0-9_]*)=/.exec(line)?.[1] ?? []);
    expect(names.length).toBeGreaterThan(40);
    expect(names).toEqual([...new Set(names)]);
  });
});

describe('the development servers', () => {
  it('are those of docker-compose.yml', () => {
    const compose = read('docker-compose.yml');
    const published = [...compose.matchAll(/'127\.0\.0\.1:(\d+):(?:6379|5432)'/g)].map(([, port]) => port);
    expect(Object.values(DEVELOPMENT_SERVERS).map((url) => new URL(url).port)).toEqual(published);
  });

  it('are the lines in use of .env.example', () => {
    const used = (documents['.env.example'] ?? '').split('\n').filter((line) => /^[^#]/.test(line));
    expect(used).toEqual(Object.entries(DEVELOPMENT_SERVERS).map(([name, url]) => `${name}=${url}`));
  });
});
