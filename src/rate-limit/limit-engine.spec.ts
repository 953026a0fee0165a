import { describe, expect, it } from 'vitest';
import { openEngine } from './engine.rig.js';
import { ALICE, POLICIES, namesOf } from './limit-engine.rig.js';

describe('The engine', () => {
  it('asks Redis one question about all limits of a check, in the order of the policies', async () => {
    const { limiter, asked } = openEngine(POLICIES);
    const decision = await limiter.check(['all', 'address', 'person'], ALICE);
    expect(decision).toMatchObject({ allowed: true, state: 'allow', backend: 'redis', degraded: false });
    expect(namesOf(decision)).toEqual(['all 99', 'address 9', 'person 9']);
    expect(asked).toHaveLength(1);
  });

  it('leaves out limits whose subject nobody tells, and allows what no limit applies to', async () => {
    const { engine, asked } = openEngine(POLICIES);
    const plan = engine.book.plan(['address', 'person']);
    expect(namesOf(await engine.decide(plan, [undefined, 'alice']))).toEqual(['person 9']);
    expect(await engine.decide(plan, [undefined, undefined])).toMatchObject({ allowed: true, limits: [] });
    expect(asked).toHaveLength(1);
  });

  it('takes all notations of an address for one client', async () => {
    const { limiter } = openEngine(POLICIES);
    for (const ip of ['2001:db8::1', '2001:db8::2', '[2001:DB8::3]:443'])
      await limiter.check('address', { ip });
    expect(namesOf(await limiter.peek('address', { ip: '2001:db8::ffff' }))).toEqual(['address 7']);
  });

  it('costs of policies may differ', async () => {
    const { engine } = openEngine(POLICIES);
    const plan = engine.book.plan(['address', 'person']);
    const request = { operation: 0, cost: 1, costs: new Map([['person', 4]]) } as const;
    expect(namesOf(await engine.decide(plan, ['192.0.2.1', 'alice'], request))).toEqual([
      'address 9',
      'person 6',
    ]);
  });

  describe('with a canary', () => {
    const inRedis = ({ value }: { readonly value: string }): boolean => !value.startsWith('192.0.2.9');

    it('counts each client in one place, always the same', async () => {
      const { limiter, asked } = openEngine(POLICIES, { inRedis });
      for (let at = 0; at < 3; at += 1) {
        expect(await limiter.check('address', { ip: '192.0.2.9' })).toMatchObject({ backend: 'memory' });
        expect(await limiter.check('address', { ip: '::ffff:192.0.2.9' })).toMatchObject({
          backend: 'memory',
        });
        expect(await limiter.check('address', ALICE)).toMatchObject({ backend: 'redis' });
      }
      expect(asked).toHaveLength(3);
      expect(namesOf(await limiter.peek('address', { ip: '192.0.2.9' }))).toEqual(['address 4']);
    });

    it('keeps what both share apart: neither side sees or overwrites what the other one counted', async () => {
      const { limiter } = openEngine(POLICIES, { inRedis });
      const left = async (ip: string) =>
        (await limiter.check(['all', 'address'], { ip })).limits[0]?.remaining;
      for (let at = 1; at <= 4; at += 1) {
        expect(await left(`192.0.2.${at}`)).toBe(100 - at);
        expect(await left('192.0.2.9')).toBe(101 - 2 * at);
        expect(await left('192.0.2.9')).toBe(100 - 2 * at);
      }
    });
  });

  it('is not moved by a clock that is set on this host', async () => {
    for (const inMemory of [false, true]) {
      const { limiter, clock } = openEngine(POLICIES, { inMemory });
      let jumpMs = 0;
      clock.nowMs = () => 1_700_000_000_000 + clock.monotonicMs() + jumpMs;
      for (let at = 0; at < 10; at += 1) {
        jumpMs = [-1, 1][at % 2]! * at * 86_400_000;
        expect(namesOf(await limiter.check('person', ALICE))).toEqual([`person ${9 - at}`]);
      }
      expect(await limiter.check('person', ALICE)).toMatchObject({ allowed: false, retryAfterMs: 1000 });
    }
  });
});
