import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { withEngine } from './support/engine.js';
import { PINNED_DIFFERENCES } from './support/pinned-differences.js';

const DOCUMENT = new URL('../../docs/embedded-engine.md', import.meta.url);

withEngine('Pinned differences', (engine) => {
  for (const { title, observe, embedded, real } of PINNED_DIFFERENCES) {
    it(title, async () => {
      expect(await observe(engine)).toEqual(engine.name === 'real' ? real : embedded);
    });
  }
});

describe('docs/embedded-engine.md', () => {
  it('lists exactly the differences that are pinned', async () => {
    const lines = (await readFile(DOCUMENT, 'utf8')).split('\n');
    const table = lines.slice(lines.indexOf('## Pinned differences'));
    const listed = table
      .filter((line) => line.startsWith('| '))
      .map((line) => line.split(' | ')[0]?.slice(2).trim());
    const titles = listed.slice(2);
    expect(new Set(titles)).toEqual(new Set(PINNED_DIFFERENCES.map(({ title }) => title)));
    expect(titles).toHaveLength(PINNED_DIFFERENCES.length);
  });
});
