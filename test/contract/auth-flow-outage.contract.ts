import { afterEach, beforeEach, expect, it } from 'vitest';
import { InvalidCredentialsError } from '../../src/auth/auth.errors.js';
import { TooManyAttemptsError } from '../../src/auth/throttle/too-many-attempts.error.js';
import { DatabaseUnavailableError } from '../../src/database/index.js';
import { OverloadedError } from '../../src/identity/passwords/password.errors.js';
import { RedisUnavailableError } from '../../src/redis/index.js';
import { AuthRig } from './auth.rig.js';
import { withEngine } from './support/engine.js';

const ANN = { account: 'ann@example.org', ip: '192.0.2.1' };
const QUOTA = 5;

const sql = (maybeExecuted: boolean) =>
  new DatabaseUnavailableError({ feature: 'auth', reason: 'reset', retryAfterMs: 1000, maybeExecuted });
const redis = (maybeExecuted: boolean) =>
  new RedisUnavailableError({
    purpose: 'securityTokens',
    reason: 'timeout',
    retryAfterMs: 1000,
    maybeExecuted,
  });

withEngine('A flow whose work cannot be done', (engine) => {
  let rig: AuthRig;
  beforeEach(async () => {
    rig = await AuthRig.open(`redis://${engine.host}:${engine.port}`);
  });
  afterEach(() => rig.close());

  const failWith = (error: Error) => () => Promise.reject(error);
  const tryWith = async (error: Error): Promise<void> => {
    const outcome = await rig.flows.spendFor('reset', ANN, failWith(error)).catch((one: unknown) => one);
    expect(outcome).toBe(error);
  };
  /** How many tries are left. */
  const left = async (of = rig): Promise<number> => {
    for (let done = 0; ; done += 1) {
      const outcome = await of.begin('reset', ANN).catch((one: unknown) => one);
      if (outcome instanceof TooManyAttemptsError) return done;
      expect(outcome).toBeUndefined();
    }
  };

  it.each([
    ['SQL was not asked', sql(false)],
    ['Redis did not carry it out', redis(false)],
    ['Redis may have made a token, which nobody was sent', redis(true)],
    ['no hash was made', new OverloadedError(2000)],
  ])('has spent nothing where %s', async (_what, error) => {
    for (let at = 0; at < QUOTA + 3; at += 1) await tryWith(error);
    expect(await left()).toBe(QUOTA);
  });

  it.each([
    ['SQL may have kept the mail', sql(true)],
    ['the password was wrong', new InvalidCredentialsError()],
    ['the program has a mistake', new TypeError('not a function')],
  ])('has spent its try where %s', async (_what, error) => {
    await tryWith(error);
    await tryWith(error);
    expect(await left()).toBe(QUOTA - 2);
  });

  it('has spent its try where a hash was made before it failed', async () => {
    const hashed = (keep: () => void) => {
      keep();
      return Promise.reject(sql(false));
    };
    await rig.flows.spendFor('reset', ANN, hashed).catch(() => undefined);
    expect(await left()).toBe(QUOTA - 1);
  });

  it('has spent one while it is under way, however many are begun', async () => {
    let fail = (): void => undefined;
    const outage = new Promise<never>((_, reject) => (fail = () => reject(sql(false))));
    const begun = Array.from({ length: 12 }, () =>
      rig.flows.spendFor('reset', ANN, () => outage).catch((error: unknown) => error),
    );
    const denied = await Promise.all(begun.slice(QUOTA));
    expect(denied.every((error) => error instanceof TooManyAttemptsError)).toBe(true);
    fail();
    await Promise.all(begun);
    expect(await left()).toBe(QUOTA);
  });

  it('has spent nothing for another instance either, which was told meanwhile that there is none left', async () => {
    const other = await AuthRig.open(`redis://${engine.host}:${engine.port}`);
    await other.begin('reset', ANN);
    let leftMeanwhile: number | undefined;
    const outcome = rig.flows.spendFor('reset', ANN, async () => {
      leftMeanwhile = await left(other);
      throw sql(false);
    });
    await expect(outcome).rejects.toThrow(DatabaseUnavailableError);
    expect([leftMeanwhile, await left(other)]).toEqual([QUOTA - 2, 1]);
    await other.close();
  });
});
