import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import type { Credentials } from '../live-access.js';
import type { IssuedCredentials } from './credential-provider.js';
import { ProviderSource, type ProviderSourceOptions } from './provider-source.js';

const MINUTE_MS = 60_000;

/** A provider whose answers the test gives, one by one. */
function rig(options: Partial<ProviderSourceOptions> = {}) {
  const clock = new ManualClock();
  const issued: Credentials[] = [];
  const said: string[] = [];
  const state = { taken: true };
  const asked: { signal: AbortSignal; answer: (value: unknown) => void; fail: (error: unknown) => void }[] =
    [];
  const source = new ProviderSource({
    provider: {
      fetch: (signal) =>
        new Promise<IssuedCredentials>((resolve, reject) => {
          asked.push({ signal, answer: (value) => resolve(value as IssuedCredentials), fail: reject });
        }),
    },
    issuedFor: { userRequired: false },
    clock,
    random: () => 0.5,
    issued: (credentials) => {
      issued.push(credentials);
      return Promise.resolve(state.taken);
    },
    failed: (error) => said.push(`${error.reason}: ${error.message}`),
    ...options,
  });
  const last = () => asked.at(-1) as (typeof asked)[number];
  const give = async (value: unknown): Promise<void> => {
    last().answer(value);
    await turn();
  };
  const token = (name: string, lifetimeMs = 15 * MINUTE_MS): IssuedCredentials => ({
    username: 'app',
    password: name,
    expiresAtMs: clock.nowMs() + lifetimeMs,
  });
  const passwords = () => issued.map(({ password }) => password?.reveal());
  return { clock, source, asked, issued, said, give, last, token, passwords, state };
}

describe('A provider', () => {
  it('is asked before the first connect, once however many lanes wait', async () => {
    const { source, asked, give, token, passwords } = rig();
    const lanes = Promise.all([source.prepare(), source.prepare(), source.prepare()]);
    await give(token('t1'));
    await lanes;
    await source.prepare();
    expect(asked).toHaveLength(1);
    expect(passwords()).toEqual(['t1']);
  });

  it('is asked again when some seven tenths of a lifetime have passed', async () => {
    const { clock, source, asked, give, token, passwords } = rig();
    void source.prepare();
    await give(token('t1'));
    clock.advance(15 * MINUTE_MS * 0.7 - 1);
    expect(asked).toHaveLength(1);
    clock.advance(1);
    expect(asked).toHaveLength(2);
    await give(token('t2'));
    expect(passwords()).toEqual(['t1', 't2']);
  });

  it.each([
    [0, 0.6],
    [0.999, 0.8],
  ])('spreads a fleet: at %d of the dice it is asked after %d', async (dice, share) => {
    const { clock, source, asked, give, token } = rig({ random: () => dice });
    void source.prepare();
    await give(token('t1', 1000_000));
    clock.advance(1000_000 * share - 1000);
    expect(asked).toHaveLength(1);
    clock.advance(1000);
    expect(asked).toHaveLength(2);
  });

  it('is not asked again for what does not expire', async () => {
    const { clock, source, asked, give } = rig();
    void source.prepare();
    await give({ password: 'for ever' });
    clock.advance(365 * 24 * 60 * MINUTE_MS);
    await source.prepare();
    expect(asked).toHaveLength(1);
  });

  it('that fails is asked again after growing pauses, and what it gave before stays', async () => {
    const { clock, source, asked, give, last, token, said, passwords } = rig();
    void source.prepare();
    await give(token('t1'));
    clock.advance(15 * MINUTE_MS * 0.7);
    for (const [n, pauseMs] of [375, 750, 1500, 3000, 6000, 12_000, 22_500, 22_500].entries()) {
      last().fail(Object.assign(new Error('secret'), { code: 'ECONNREFUSED' }));
      await turn();
      clock.advance(pauseMs - 1);
      expect(asked).toHaveLength(n + 2);
      clock.advance(1);
      expect(asked).toHaveLength(n + 3);
    }
    await give(token('t2'));
    expect(passwords()).toEqual(['t1', 't2']);
    expect(new Set(said)).toEqual(new Set(['other: the credential provider failed (Error, ECONNREFUSED)']));
  });

  it('that hangs is given up, told so, and what it says later is not used', async () => {
    const { clock, source, asked, give, said, passwords } = rig();
    const lane = source.prepare();
    clock.advance(3999);
    expect(asked[0]?.signal.aborted).toBe(false);
    clock.advance(1);
    await expect(lane).rejects.toMatchObject({ reason: 'timeout', suspect: 'provider' });
    expect(asked[0]?.signal.aborted).toBe(true);
    await give({ password: 'late' });
    expect(passwords()).toEqual([]);
    expect(said).toEqual(['timeout: the credential provider did not answer within 4000 ms']);
  });

  it('that failed is not asked by every attempt to connect, which fails as it did', async () => {
    const { clock, source, asked, last } = rig();
    const first = source.prepare();
    last().fail('a string');
    await expect(first).rejects.toThrow('the credential provider failed (string)');
    await expect(source.prepare()).rejects.toThrow('the credential provider failed (string)');
    expect(asked).toHaveLength(1);
    clock.advance(375);
    expect(asked).toHaveLength(2);
  });

  it('that throws at once is one that fails', async () => {
    const { source } = rig({
      provider: {
        fetch: () => {
          throw new RangeError('secret');
        },
      },
    });
    await expect(source.prepare()).rejects.toThrow('the credential provider failed (RangeError)');
  });

  it('is asked by a connect when what it gave has expired, which goes on with that otherwise', async () => {
    const { clock, source, asked, give, last, token } = rig();
    void source.prepare();
    await give(token('t1', 1000));
    clock.advance(700);
    last().fail(new Error('away'));
    await turn();
    clock.advance(300);
    await source.prepare();
    expect(asked).toHaveLength(2);
    clock.advance(75);
    expect(asked).toHaveLength(3);
  });

  it('is not asked any more when the process ends', async () => {
    const { clock, source, asked, give, token, said } = rig();
    void source.prepare();
    await give(token('t1'));
    source.stop();
    clock.advance(60 * MINUTE_MS);
    await source.fetch();
    expect(asked).toHaveLength(1);
    expect(said).toEqual([]);
  });
});

describe('A refusal by the server', () => {
  it('is answered with one fetch, and then with fetches after growing pauses', async () => {
    const { clock, source, asked, issued, give, token } = rig();
    void source.prepare();
    await give(token('t1'));
    const refuse = () => source.refused(issued.at(-1) as Credentials);
    refuse();
    refuse();
    expect(asked).toHaveLength(2);
    for (const [n, pauseMs] of [375, 750, 1500].entries()) {
      await give(token(`t${n + 2}`));
      refuse();
      refuse();
      expect(asked).toHaveLength(n + 2);
      clock.advance(pauseMs);
      expect(asked).toHaveLength(n + 3);
    }
    await give(token('t9'));
    source.accepted();
    refuse();
    expect(asked).toHaveLength(6);
  });

  it('before they are in use is answered with fetches after growing pauses, at the next renewal at the latest', async () => {
    const { clock, source, asked, give, token, state } = rig();
    void source.prepare();
    await give(token('t1'));
    state.taken = false;
    clock.advance(15 * MINUTE_MS * 0.7);
    for (const [n, pauseMs] of [375, 750].entries()) {
      await give(token(`t${n + 2}`));
      clock.advance(pauseMs - 1);
      expect(asked).toHaveLength(n + 2);
      clock.advance(1);
      expect(asked).toHaveLength(n + 3);
    }
    await give(token('short', 1000));
    clock.advance(700);
    expect(asked).toHaveLength(5);
    state.taken = true;
    await give(token('t6'));
    clock.advance(MINUTE_MS);
    expect(asked).toHaveLength(5);
  });

  it('of what was replaced meanwhile is none', async () => {
    const { source, asked, issued, give, token } = rig();
    void source.prepare();
    await give(token('t1'));
    void source.fetch();
    await give(token('t2'));
    source.refused(issued[0] as Credentials);
    expect(asked).toHaveLength(2);
  });
});

describe('What a provider gives', () => {
  const outcome = async (answer: unknown, options: Partial<ProviderSourceOptions> = {}) => {
    const { source, give, issued } = rig(options);
    const lane = source.prepare().then(
      () => ({ username: issued[0]?.username, password: issued[0]?.password?.reveal() }),
      (error: { reason: string; message: string }) => `${error.reason}: ${error.message}`,
    );
    await give(answer);
    return lane;
  };

  it.each([
    [undefined, 'auth: the credential provider gave no password'],
    ['token', 'auth: the credential provider gave no password'],
    [{ password: '' }, 'auth: the credential provider gave no password'],
    [{ password: 7 }, 'auth: the credential provider gave no password'],
    [{ password: 'p', username: '' }, 'auth: the credential provider gave a user that is no text'],
    [{ password: 'p', expiresAtMs: '1' }, 'auth: the credential provider gave an expiry that is no number'],
    [{ password: 'p', expiresAtMs: 1 }, 'other: the credential provider gave what has expired already'],
  ])('is refused when it is %j', async (answer, said) => {
    expect(await outcome(answer)).toContain(said);
  });

  const SET = { issuedFor: { username: 'set', userRequired: false } };

  it('has the user of the settings where it names none, and its own where it does', async () => {
    expect(await outcome({ password: 'p' }, SET)).toEqual({ username: 'set', password: 'p' });
    expect(await outcome({ password: 'p', username: 'own' }, SET)).toEqual({
      username: 'own',
      password: 'p',
    });
  });

  it.each([{ password: 'p' }, { password: 'p', username: 'default' }])(
    'names an ACL user where the purpose needs one: not %j',
    async (answer) => {
      expect(await outcome(answer, { issuedFor: { userRequired: true } })).toMatch(
        /^auth: .*names no ACL user/,
      );
    },
  );

  it('is the same object as before when nothing has changed', async () => {
    const { source, issued, give } = rig();
    void source.prepare();
    await give({ password: 'p' });
    void source.fetch();
    await give({ password: 'p' });
    expect(issued).toHaveLength(2);
    expect(issued[1]).toBe(issued[0]);
  });
});
