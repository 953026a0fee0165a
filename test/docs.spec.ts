import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { floors, roof } from '../scripts/floors.mjs';
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

it('bench/README.md names every section of the benchmarks', () => {
  const sections = [
    ...read('bench/main.ts').matchAll(/^ {2}'?([\w-]+)'?: async/gm),
    ...(/AUTH_SECTIONS = \{([^}]*)\}/.exec(read('bench/auth.ts'))?.[1] ?? '').matchAll(
      /^ {2}'?([\w-]+)'?[:,]/gm,
    ),
    ['', 'auth'],
  ].map(([, name]) => name);
  const rows = [...read('bench/README.md').matchAll(/^\| `([\w-]+)` /gm)].map(([, name]) => name);
  expect(sections.length).toBeGreaterThan(14);
  expect(new Set(rows)).toEqual(new Set(sections));
  expect(rows.length).toBe(sections.length);
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

describe('the floors of ARCHITECTURE.md', () => {
  const [, section = ''] = read('docs/ARCHITECTURE.md').split('## Floors and doors');
  const [top, ...rows] = (section.split('\n## ')[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    // Behind its head and the line below that.
    .slice(2)
    .map((line) => {
      const [, , folders = '', door = '', neighbours = ''] = line.split('|').map((cell) => cell.trim());
      const names = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
      return { folders: names(folders), doors: names(door), neighbours: names(neighbours) };
    });

  it('are those of the lint rules, from the roof down: folders, doors and neighbours', () => {
    const expected = floors.toReversed().map((rooms) => ({
      folders: rooms.map(({ folder }) => `${folder}/`),
      doors: [...new Set(rooms.flatMap(({ door }) => (door ? ['index.ts'] : [])))],
      neighbours: rooms.flatMap(({ folder, neighbours }) => neighbours.map((name) => `${folder} → ${name}`)),
    }));
    expect(rows).toEqual(expected);
    expect(top?.folders).toEqual(roof);
    // The table has one word for the doors of a floor.
    for (const rooms of floors) expect(new Set(rooms.map(({ door }) => door)).size).toBe(1);
  });
});
