import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../kernel/redact.js';
import { readVariable } from './variable-reader.js';

const code = {
  name: '_CODE',
  property: 'code',
  type: Secret,
  doc: 'Opens the safe',
  file: true,
  secret: true,
};

describe('a variable that may be a file', () => {
  let folder: string;
  const file = (text: string): string => {
    const path = join(folder, 'code');
    writeFileSync(path, text);
    return path;
  };
  const read = (env: Record<string, string>, variable: object = {}) =>
    readVariable({ ...code, ...variable }, 'SAFE', env);
  const value = (env: Record<string, string>): unknown => {
    const reading = read(env);
    return reading && 'value' in reading ? (reading.value as Secret).reveal() : reading;
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bulkhead-variables-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(['s3cret', 'two\nlines', ' spaces ', '\nfirst'])('is what the file holds: %j', (text) => {
    expect(value({ SAFE_CODE_FILE: file(text), SAFE_CODE: '' })).toBe(text);
  });

  it.each(['s3cret\n', 's3cret\r\n', 's3cret\r', 'two\nlines\n', 'blank line\n\n'])(
    'is refused when the file ends with a line break: %j',
    (text) => {
      expect(read({ SAFE_CODE_FILE: file(text) })).toEqual({
        fault: {
          variable: 'SAFE_CODE_FILE',
          rule: 'names a file that ends with a line break, so it is unclear whether the break belongs to the secret',
          remedy: 'Write the file without one: printf \'%s\' "$VALUE" > file',
        },
      });
    },
  );

  it('may be a file of 64 KiB, and no larger one', () => {
    expect(value({ SAFE_CODE_FILE: file('x'.repeat(65_536)) })).toHaveLength(65_536);
    expect(read({ SAFE_CODE_FILE: file('x'.repeat(65_537)) })).toEqual({
      fault: {
        variable: 'SAFE_CODE_FILE',
        rule: 'names a file that is larger than 64 KiB',
        remedy: 'Name a file that holds the value and nothing else',
      },
    });
  });

  it('is refused at once when it is a pipe that nobody writes, or a device without an end', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const path of [pipe, '/dev/zero'])
      expect(read({ SAFE_CODE_FILE: path })).toMatchObject({
        fault: { variable: 'SAFE_CODE_FILE', rule: 'names a file that is no regular file' },
      });
  });

  it('is a Secret, and a plain text where it is none', () => {
    expect(String((read({ SAFE_CODE: 's3cret' }) as { value: unknown }).value)).toBe('***');
    const path = file('Safe 1');
    expect(read({ SAFE_CODE_FILE: path }, { type: String, secret: false })).toEqual({
      value: 'Safe 1',
      file: path,
    });
  });

  it.each(['', '\n', '\r\n'])('is refused when the file is empty: %j', (text) => {
    expect(read({ SAFE_CODE_FILE: file(text) })).toEqual({
      fault: {
        variable: 'SAFE_CODE_FILE',
        rule: 'names a file that is empty',
        remedy: 'Write the value into the file',
      },
    });
  });

  it.each([
    ['missing', 'ENOENT'],
    ['.', 'EISDIR'],
  ])('is refused when the file cannot be read: %s', (name, problem) => {
    expect(read({ SAFE_CODE_FILE: join(folder, name) })).toMatchObject({
      fault: { variable: 'SAFE_CODE_FILE', rule: `names a file that cannot be read (${problem})` },
    });
  });

  it('is refused beside a value, even the same', () => {
    expect(read({ SAFE_CODE: 'a', SAFE_CODE_FILE: file('a') })).toMatchObject({
      fault: {
        variable: 'SAFE_CODE',
        rule: 'is set both directly and through SAFE_CODE_FILE, so it is unclear which one holds',
      },
    });
  });

  it('is read from no file when the name of the file is empty', () => {
    expect(value({ SAFE_CODE: 's3cret', SAFE_CODE_FILE: '' })).toBe('s3cret');
    expect(read({ SAFE_CODE_FILE: '' })).toBeUndefined();
  });

  it('is not read from a file that the variable does not offer', () => {
    expect(read({ SAFE_CODE_FILE: file('a') }, { file: false })).toBeUndefined();
  });
});
