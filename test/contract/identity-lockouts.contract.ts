import { sql as fragment } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lockouts, type User, Users } from '../../src/identity/index.js';
import { IdentityRig } from './identity.rig.js';

let rig: IdentityRig;
beforeAll(async () => {
  rig = await IdentityRig.open();
});
afterAll(() => rig.close());

describe('Lockouts in SQL', () => {
  let lockouts: Lockouts;
  let user: User;
  beforeAll(async () => {
    lockouts = rig.get(Lockouts);
    user = await rig.user('locked');
  });

  const soon = new Date('2030-01-01T00:00:00Z');
  const later = new Date('2030-01-01T04:00:00Z');

  it('keep what is stronger, in whatever order it is written', async () => {
    await lockouts.record('a', { user, failures: 50, lockedUntil: later });
    await lockouts.record('a', { user, failures: 20, lockedUntil: soon });
    expect(await lockouts.find(['a'])).toEqual({ failures: 50, lockedUntil: later });
    await lockouts.record('a', { user, failures: 100, lockedUntil: undefined });
    await lockouts.record('a', { user, failures: 50, lockedUntil: later });
    expect(await lockouts.find(['a'])).toEqual({ failures: 100, lockedUntil: undefined });
  });

  it('are the strongest under any key of the ring', async () => {
    await lockouts.record('new key', { user, failures: 20, lockedUntil: later });
    await lockouts.record('old key', { user, failures: 50, lockedUntil: soon });
    expect(await lockouts.find(['new key', 'old key', 'no key'])).toEqual({
      failures: 50,
      lockedUntil: later,
    });
    await lockouts.record('old key', { user, failures: 100, lockedUntil: undefined });
    expect(await lockouts.find(['new key', 'old key'])).toEqual({ failures: 100, lockedUntil: undefined });
    expect(await lockouts.find([])).toBeUndefined();
    expect(await lockouts.find(['no key'])).toBeUndefined();
  });

  it('are lifted under every key', async () => {
    await lockouts.record('lifted new', { user, failures: 20, lockedUntil: soon });
    await lockouts.record('lifted old', { user, failures: 100, lockedUntil: undefined });
    expect(await lockouts.lift(['lifted new', 'lifted old'])).toBe(true);
    expect(await lockouts.lift(['lifted new', 'lifted old'])).toBe(false);
    expect(await lockouts.lift([])).toBe(false);
    expect(await lockouts.find(['lifted new', 'lifted old'])).toBeUndefined();
  });

  it('are forgotten when they were over long ago, never while they are held', async () => {
    for (const account of ['over', 'over as well'])
      await lockouts.record(account, { user, failures: 20, lockedUntil: new Date('2020-01-01T00:00:00Z') });
    await lockouts.record('held', { user, failures: 100, lockedUntil: undefined });
    const longAgo = new Date('2020-01-02T00:00:00Z');
    expect(await lockouts.forgetBefore(longAgo, 1)).toBe(1);
    expect(await lockouts.forgetBefore(longAgo, 1000)).toBe(1);
    expect(await lockouts.forgetBefore(longAgo, 1000)).toBe(0);
    expect(await lockouts.find(['over', 'over as well'])).toBeUndefined();
    expect(await lockouts.find(['held'])).toBeDefined();
  });

  it('of addresses that nobody has are forgotten although they are held, those of somebody are not', async () => {
    const held = { failures: 100, lockedUntil: undefined };
    for (const account of ['nobody', 'nobody either'])
      await lockouts.record(account, { ...held, user: undefined });
    await lockouts.record('somebody', { ...held, user });
    await lockouts.record('somebody by now', { failures: 20, lockedUntil: soon, user: undefined });
    await lockouts.record('somebody by now', { ...held, user });
    await lockouts.record('somebody by now', { ...held, user: undefined });
    const minuteMs = 60_000;
    expect(await lockouts.forgetNobodys(new Date(Date.now() - minuteMs), 1000)).toBe(0);
    const later = new Date(Date.now() + minuteMs);
    expect(await lockouts.forgetNobodys(later, 1)).toBe(1);
    expect(await lockouts.forgetNobodys(later, 1000)).toBe(1);
    expect(await lockouts.find(['nobody', 'nobody either'])).toBeUndefined();
    expect(await lockouts.find(['somebody'])).toEqual(held);
    expect(await lockouts.find(['somebody by now'])).toEqual(held);
  });

  it('are not kept of failures that were forgotten meanwhile, so that none is left which nobody lifts', async () => {
    const before = await rig.user('forgiven');
    await rig.db.transaction((tx) => rig.get(Users).forgetFailures(tx, before.id));
    const held = { failures: 100, lockedUntil: undefined };
    expect(await lockouts.record('forgiven', { ...held, user: before })).toBe(false);
    expect(await lockouts.find(['forgiven'])).toBeUndefined();
    const now = await rig.get(Users).byId(before.id);
    expect(await lockouts.record('forgiven', { ...held, user: now })).toBe(true);
    expect(await lockouts.find(['forgiven'])).toEqual(held);
  });

  it('are not kept of failures that are being forgotten at this moment', async () => {
    const before = await rig.user('pardoned');
    let recording = Promise.resolve(true);
    await rig.db.transaction(async (tx) => {
      await rig.get(Users).forgetFailures(tx, before.id);
      await lockouts.lift(['pardoned'], tx);
      recording = lockouts.record('pardoned', { failures: 100, lockedUntil: undefined, user: before });
      // Long enough for whoever would not wait.
      await Promise.race([recording, tx.execute(fragment`select pg_sleep(0.3)`)]);
    });
    expect(await recording).toBe(false);
    expect(await lockouts.find(['pardoned'])).toBeUndefined();
  });
});
