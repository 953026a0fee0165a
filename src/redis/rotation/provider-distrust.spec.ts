import { inspect } from 'node:util';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import type { Credentials } from '../live-access.js';
import type { CredentialProvider, IssuedCredentials } from './credential-provider.js';
import { ProviderSource } from './provider-source.js';

const SECRET = 'canary';

function rig(fetch: CredentialProvider['fetch'], issued?: () => Promise<boolean>) {
  const clock = new ManualClock();
  const given: Credentials[] = [];
  const said: string[] = [];
  const source = new ProviderSource({
    provider: { fetch },
    issuedFor: { userRequired: false },
    clock,
    random: () => 0.5,
    issued:
      issued ??
      ((credentials) => {
        given.push(credentials);
        return Promise.resolve(true);
      }),
    failed: (error) => said.push(inspect(error)),
  });
  return { clock, source, given, said };
}

/** Whatever a provider throws or gives. */
async function failure(fetch: CredentialProvider['fetch']): Promise<string> {
  const { source, said } = rig(fetch);
  const message = await source.prepare().then(
    () => 'nothing',
    (error: unknown) => (error as Error).message,
  );
  expect([message, ...said].join()).not.toContain(SECRET);
  return message;
}

describe('A provider that is not to be trusted', () => {
  it.each<[string, unknown, string]>([
    ['in its message', new Error(SECRET), 'Error'],
    ['in its name', Object.assign(new Error('no'), { name: `Error at ${SECRET} 1` }), 'Error'],
    ['in its code', Object.assign(new Error('no'), { code: SECRET }), 'Error'],
    ['in its cause', new TypeError('no', { cause: new Error(SECRET) }), 'TypeError'],
    ['as a text', SECRET, 'string'],
    [
      'in what reading its name throws',
      Object.defineProperty(new Error('no'), 'name', {
        get: () => {
          throw new Error(SECRET);
        },
      }),
      'an error that cannot be read',
    ],
  ])('does not bring a secret into the log %s', async (_, thrown, shown) => {
    const throws = () => {
      throw thrown;
    };
    expect(await failure(throws)).toBe(`the credential provider failed (${shown})`);
  });

  it('does not bring one into it by an answer that throws when it is read', async () => {
    const answer = {
      get password(): string {
        throw new RangeError(SECRET);
      },
    };
    expect(await failure(() => Promise.resolve(answer))).toBe('the credential provider failed (RangeError)');
  });

  it.each<[string, IssuedCredentials]>([
    ['a password', { password: 'p'.repeat(1024 * 1024) }],
    ['a user', { username: 'ü'.repeat(8193), password: 'p' }],
  ])('is refused with %s that no server would read', async (what, answer) => {
    expect(await failure(() => Promise.resolve(answer))).toBe(
      `the credential provider gave ${what} of more than 16384 bytes, which no server reads before a login`,
    );
  });

  it('may give any character, since a password is sent by its length', async () => {
    const password = `\0\r\nAUTH x y\r\n${'p'.repeat(16_000)}`;
    const { source, given } = rig(() => Promise.resolve({ password }));
    await source.prepare();
    expect(given[0]?.password?.reveal()).toBe(password);
  });

  it('and ignores that it is stopped holds nobody up, and is not said to be slow', async () => {
    const { clock, source, said } = rig(() => new Promise(() => undefined));
    const lane = source.prepare();
    source.stop();
    await expect(lane).rejects.toThrow('is not asked any more');
    await expect(source.prepare()).rejects.toThrow('is not asked any more');
    clock.advance(60_000);
    await turn();
    expect(said).toEqual([]);
  });

  it('gives what is not taken up: a connect waits five seconds and fails', async () => {
    const { clock, source } = rig(
      () => Promise.resolve({ password: 'p' }),
      () => new Promise(() => undefined),
    );
    const lane = source.prepare();
    await turn();
    clock.advance(5000);
    await expect(lane).rejects.toMatchObject({
      reason: 'timeout',
      message: 'what the credential provider gave was not in use in time',
    });
  });
});
