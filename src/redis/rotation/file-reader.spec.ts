import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FileReader } from './file-reader.js';

function rig() {
  const asked: string[] = [];
  const answers = new Map<string, (text: string) => void>();
  const reader = new FileReader<string>((path) => {
    asked.push(path);
    if (path === 'gone') return Promise.reject(new Error('gone'));
    return new Promise((resolve) => answers.set(path, resolve));
  });
  return { reader, asked, answer: (path: string) => answers.get(path)?.(`in ${path}`) };
}

describe('A reader of files', () => {
  it('reads a file that does not answer once, however often it is asked', async () => {
    const { reader, asked, answer } = rig();
    const both = Promise.all([reader.read('a'), reader.read('a')]);
    await turn();
    expect(asked).toEqual(['a']);
    expect(reader.isReading('a')).toBe(true);
    answer('a');
    expect(await both).toEqual(['in a', 'in a']);
    expect(reader.isReading('a')).toBe(false);
    void reader.read('a');
    expect(asked).toEqual(['a', 'a']);
  });

  it('leaves a thread to the process: three files at once, and the next when one has ended', async () => {
    const { reader, asked, answer } = rig();
    for (const path of ['a', 'b', 'c', 'd', 'e']) void reader.read(path);
    await turn();
    expect(asked).toEqual(['a', 'b', 'c']);
    answer('b');
    await turn();
    expect(asked).toEqual(['a', 'b', 'c', 'd']);
  });

  it('is as free after a file that cannot be read', async () => {
    const { reader, asked } = rig();
    for (let times = 0; times < 4; times += 1) await expect(reader.read('gone')).rejects.toThrow('gone');
    void reader.read('a');
    expect(asked.at(-1)).toBe('a');
  });
});
