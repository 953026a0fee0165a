import { describe, expect, it } from 'vitest';
import { openEngine } from '../engine.rig.js';
import { compileQuotas } from '../leases/compiled-quota.js';
import { PolicyBook } from '../policies/plan.js';
import type { PolicyTable } from '../policies/policy.js';
import { InvalidRulingError } from './control.errors.js';
import { fieldOf, readOverride, valueOf } from './override.js';
import { ProcessRulingStore } from './process-ruling-store.js';
import { RateLimitControl } from './rate-limit-control.js';
import { RulingSync } from './ruling-sync.js';
import { Rulings } from './rulings.js';

const id = 'wrVHtGivwNPwRKA3';
/** A policy and a stream quota of one name, with a limit of one name; only the quota counts tenants. */
const TABLE = {
  chat: { limits: [{ per: 'user', quota: 10, windowMs: 60_000, burst: 10, name: 'chat-user' }] },
} as const satisfies PolicyTable;
const QUOTAS = {
  chat: {
    concurrent: [
      { per: 'tenant', streams: 50 },
      { per: 'user', streams: 5 },
    ],
  },
} as const;

async function setUp(stored: Record<string, string> = {}) {
  const { engine, clock } = openEngine(TABLE, { inMemory: true });
  const quotas = compileQuotas(QUOTAS, () => false);
  const rulings = new Rulings(new PolicyBook(TABLE), clock, quotas);
  const store = new ProcessRulingStore(clock);
  for (const [field, value] of Object.entries(stored)) await store.change({ kind: 'override', field, value });
  const ignore = () => undefined;
  const sync = new RulingSync({
    store,
    rulings,
    clock,
    reachable: () => true,
    installed: ignore,
    failed: ignore,
  });
  await sync.onApplicationBootstrap();
  const control = new RateLimitControl({ engine, rulings, sync, clock });
  const streamsOf = (limit: 'chat-tenant' | 'chat-user', subject: string) => {
    const base = quotas.get('chat')!.limits.find(({ name }) => name === limit)!;
    return rulings.streamLimitFor(base, engine.subject(base.per, subject)).streams;
  };
  return { control, rulings, streamsOf };
}

describe('a number of streams as it is stored', () => {
  it.each([
    { streamQuota: 'chat', limit: 'chat-user', id, label: 'an***', streams: 7 },
    { streamQuota: 'chat', limit: 'chat-user', pattern: 'gold-*/=~ "ü"', streams: 100_000 },
  ])('is read as it was written: %j', (override) => {
    expect(readOverride(fieldOf(override), valueOf(override))).toEqual(override);
  });

  it('has another place than a policy of the same name', () => {
    const place = { limit: 'chat-user', pattern: '*' };
    expect(fieldOf({ streamQuota: 'chat', ...place })).not.toBe(fieldOf({ policy: 'chat', ...place }));
  });

  it.each([
    ['streams:chat', '{"mode":"shadow"}'],
    ['streams:chat/chat-user/~*', '{"streams":"5"}'],
    ['streams:chat/chat-user/~*', '{"exempt":true}'],
    ['streams:chat/chat-user/~*', '{"quota":5,"windowMs":1000}'],
    ['streams:/chat-user/~*', '{"streams":5}'],
    ['streams:Chat/chat-user/~*', '{"streams":5}'],
    ['streams:streams:chat/chat-user/~*', '{"streams":5}'],
    ['chat/chat-user/~*', '{"streams":5}'],
  ])('is none of ours: %j %j', (field, value) => {
    expect(readOverride(field, value)).toBeUndefined();
  });
});

describe('operators', () => {
  it('give a subject or a pattern another number of streams, see it, and take it back', async () => {
    const { control, streamsOf } = await setUp();
    await control.overrideStreams('chat', 'chat-tenant', { subject: 'acme-corporation' }, 70);
    await control.overrideStreams('chat', 'chat-user', { pattern: 'gold-*' }, 50);
    await control.override('chat', 'chat-user', { pattern: 'gold-*' }, { exempt: true });
    expect([streamsOf('chat-tenant', 'acme-corporation'), streamsOf('chat-tenant', 'other')]).toEqual([
      70, 50,
    ]);
    expect([streamsOf('chat-user', 'gold-1'), streamsOf('chat-user', 'tin-1')]).toEqual([50, 5]);
    expect(control.overrides()).toEqual([
      expect.objectContaining({ streamQuota: 'chat', label: 'ac***', streams: 70, inForce: true }),
      { streamQuota: 'chat', limit: 'chat-user', pattern: 'gold-*', streams: 50, inForce: true },
      { policy: 'chat', limit: 'chat-user', pattern: 'gold-*', rule: { exempt: true }, inForce: true },
    ]);
    const [first] = control.overrides() as readonly { id?: string }[];
    expect(await control.removeStreamOverride('chat', 'chat-tenant', { id: first!.id! })).toBe(true);
    expect(await control.removeStreamOverride('chat', 'chat-user', { pattern: 'gold-*' })).toBe(true);
    expect(await control.removeStreamOverride('chat', 'chat-user', { pattern: 'gold-*' })).toBe(false);
    expect([streamsOf('chat-tenant', 'acme-corporation'), streamsOf('chat-user', 'gold-1')]).toEqual([50, 5]);
    expect(control.overrides()).toHaveLength(1);
  });

  it.each([
    ['chat', 'chat-user', 0, /limit "chat-user": streams 0 must be a whole number from 1 to 100000/],
    ['chat', 'chat-user', -1, /streams -1 must be/],
    ['chat', 'chat-user', 1.5, /streams 1.5 must be/],
    ['chat', 'chat-user', NaN, /streams NaN must be/],
    ['chat', 'chat-user', 100_001, /streams 100001 must be/],
    ['chat', 'chat-ip', 5, /"chat" has no limit "chat-ip"/],
    ['chta', 'chat-user', 5, /no stream quota "chta"/],
    ['__proto__', 'chat-user', 5, /no stream quota/],
  ])('are refused %s %s %j', async (quota, limit, streams, why) => {
    const { control } = await setUp();
    for (const target of [{ pattern: '*' }, { subject: 'ann' }, { id }]) {
      const set = control.overrideStreams(quota, limit, target, streams);
      await expect(set).rejects.toBeInstanceOf(InvalidRulingError);
      await expect(set).rejects.toThrow(why);
    }
    expect(control.overrides()).toEqual([]);
  });

  it('see what does not fit this release as not in force, and lift it by pattern or id', async () => {
    const { control, streamsOf } = await setUp({
      'streams:former/former-user/~*': '{"streams":9}',
      [`streams:chat/chat-ip/=${id}`]: '{"streams":9}',
      'streams:chat/chat-user/~*': '{"streams":0}',
    });
    expect(control.overrides().map(({ inForce }) => inForce)).toEqual([false, false, false]);
    expect(streamsOf('chat-user', 'ann')).toBe(5);
    const gone = control.removeStreamOverride('former', 'former-user', { subject: 'ann' });
    await expect(gone).rejects.toThrow(/name the id/);
    expect(await control.removeStreamOverride('former', 'former-user', { pattern: '*' })).toBe(true);
    expect(await control.removeStreamOverride('chat', 'chat-ip', { id })).toBe(true);
    expect(await control.removeStreamOverride('chat', 'chat-user', { pattern: '*' })).toBe(true);
  });

  it('block whom only a stream quota counts', async () => {
    const { control } = await setUp();
    expect(await control.block('tenant', 'acme-corporation', 1000)).toMatchObject({ label: 'ac***' });
    await expect(control.block('network', '192.0.2.1', 1000)).rejects.toThrow(/No limit counts by "network"/);
  });
});
