import { describe, expect, it } from 'vitest';
import { runCli } from './run.js';

async function run(...words: string[]) {
  const printed = { out: '', err: '' };
  const output = {
    out: (text: string) => void (printed.out += `${text}\n`),
    err: (text: string) => void (printed.err += `${text}\n`),
  };
  const application = () => Promise.reject(new Error('redis://u:hunter2@h is unreachable'));
  return {
    code: await runCli(words, { version: '1.2.3', output, environment: {}, application }),
    ...printed,
  };
}

describe('runCli', () => {
  it.each([[['--help']], [['redis', '--help']], [['redis', 'acl', '--help']], [['env', '-h']]])(
    'answers %s without the application',
    async (words) => {
      const { code, out, err } = await run(...words);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toContain('Usage: bulkhead');
    },
  );

  it('prints the version it was given', async () => {
    expect(await run('--version')).toEqual({ code: 0, out: '1.2.3\n', err: '' });
  });

  it.each([
    [['redis', 'acl', '--user', 'x'], '--user needs --purpose'],
    [['redis', 'acl', '-p', 'rateLimit', '--user', 'x on nopass'], 'no blanks'],
    [['redis', 'acl', '--db', '-1'], 'whole number'],
    [['redis', 'acl', '--redis-version', '6.0'], '7.0 or newer'],
    [['env', '--check', '/nowhere/at/all'], 'cannot be read (ENOENT)'],
  ])('shows the usage of the command with %s', async (words, message) => {
    const { code, out, err } = await run(...words);
    expect({ code, out }).toEqual({ code: 64, out: '' });
    expect(err).toContain(message);
    expect(err).toContain(`Usage: bulkhead ${words.slice(0, words[0] === 'redis' ? 2 : 1).join(' ')}`);
  });

  it('ends with 70 and masked credentials when the program itself fails', async () => {
    const { code, err } = await run('env');
    expect(code).toBe(70);
    expect(err).toContain('is unreachable');
    expect(err).not.toContain('hunter2');
  });
});
