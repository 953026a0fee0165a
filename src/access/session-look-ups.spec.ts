import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import {
  type PurposeRedis,
  type PurposeStatus,
  type RedisStatus,
  RedisUnavailableError,
} from '../redis/index.js';
import { type RequestRecord, requestContext } from '../telemetry/index.js';
import { SessionLookUps } from './session-look-ups.js';

const unavailable = (maybeExecuted: boolean) =>
  new RedisUnavailableError({ purpose: 'authCache', reason: 'timeout', retryAfterMs: 1000, maybeExecuted });
const record = (): RequestRecord => ({ requestId: randomUUID(), redis: {} });

/** What a server with these texts is asked, on a topology. */
function lookUps(
  texts: ReadonlyMap<string, string>,
  { topology = 'standalone', failure }: { topology?: PurposeStatus['topology']; failure?: Error } = {},
) {
  const clock = new ManualClock();
  const asked: string[][] = [];
  const redis = {
    mget: (keys: string[]) => {
      asked.push(keys);
      clock.advance(3);
      return failure ? Promise.reject(failure) : Promise.resolve(keys.map((key) => texts.get(key) ?? null));
    },
  };
  const status = { of: () => ({ topology }) };
  const some = new SessionLookUps(
    redis as unknown as PurposeRedis<'authCache'>,
    status as unknown as RedisStatus,
    clock,
  );
  return { asked, some };
}

const stored = (epoch: number) => `1|${epoch}|1|2|3|family|pwd|sealed`;
const [ann, bob] = [randomUUID(), randomUUID()];

describe('SessionLookUps', () => {
  const texts = new Map([
    [`auth:{${ann}}:s:one`, stored(1)],
    [`auth:{${ann}}:s:two`, stored(2)],
    [`auth:{${ann}}:ep`, '2:1000'],
    [`auth:{${bob}}:s:one`, stored(7)],
  ]);
  const wanted = [
    [ann, 'one'],
    [ann, 'two'],
    [bob, 'one'],
    [ann, 'gone'],
    [ann, 'one'],
  ] as const;
  const found = [
    { session: { epoch: 1 }, mirror: '2:1000' },
    { session: { epoch: 2 }, mirror: '2:1000' },
    { session: { epoch: 7 }, mirror: null },
    { session: undefined, mirror: '2:1000' },
    { session: { epoch: 1 }, mirror: '2:1000' },
  ];

  it('ask for those of one turn together, each key once, and tell each its own', async () => {
    const { asked, some } = lookUps(texts);
    expect(await Promise.all(wanted.map(([user, session]) => some.find(user, session)))).toMatchObject(found);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toHaveLength(6);
    await some.find(ann, 'one');
    expect(asked).toHaveLength(2);
  });

  it('ask a cluster for one user at a time, whose keys are on one node', async () => {
    const { asked, some } = lookUps(texts, { topology: 'cluster' });
    expect(await Promise.all(wanted.map(([user, session]) => some.find(user, session)))).toMatchObject(found);
    for (const keys of asked) expect(new Set(keys.map((key) => key.slice(0, 43))).size).toBe(1);
  });

  it('ask for thirty-two at once at most', async () => {
    const { asked, some } = lookUps(texts);
    await Promise.all(Array.from({ length: 70 }, (_, n) => some.find(ann, `${n}`)));
    expect(asked.map((keys) => keys.length)).toEqual([33, 33, 7]);
  });

  it('tell all of a turn when their question fails', async () => {
    const { some } = lookUps(texts, { failure: unavailable(true) });
    const ends = await Promise.allSettled(wanted.map(([user, session]) => some.find(user, session)));
    expect(ends.map(({ status }) => status)).toEqual(wanted.map(() => 'rejected'));
  });

  it('note a call and its time of each request, and none of what was not sent', async () => {
    const requests = [record(), record()];
    const askFor = ({ some }: ReturnType<typeof lookUps>) =>
      Promise.allSettled(requests.map((one) => requestContext.run(one, () => some.find(ann, 'one'))));
    await askFor(lookUps(texts, { failure: unavailable(false) }));
    expect(requests.map(({ redis }) => redis)).toEqual([{}, {}]);
    await askFor(lookUps(texts));
    expect(requests.map(({ redis }) => redis)).toEqual([
      { authCache: { calls: 1, ms: 3 } },
      { authCache: { calls: 1, ms: 3 } },
    ]);
  });

  it('refuse a user that is no UUID, whose name could mean other keys', async () => {
    await expect(lookUps(texts).some.find('*', 'one')).rejects.toBeInstanceOf(TypeError);
  });
});
