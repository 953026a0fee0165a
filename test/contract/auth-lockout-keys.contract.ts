import { afterEach, expect, it } from 'vitest';
import { AuthRig } from './auth.rig.js';
import { withEngine } from './support/engine.js';

const ANN = 'ann@example.org';
const OLD = 'old-pepper-'.repeat(4);
const NEW = 'new-pepper-'.repeat(4);

withEngine('Lockout while its keys are replaced', (engine) => {
  const rigs: AuthRig[] = [];
  const open = async (pepper: string) => {
    const rig = await AuthRig.open(`redis://${engine.host}:${engine.port}`, { AUTH_ACCOUNT_PEPPER: pepper });
    rigs.push(rig);
    return rig.lockout;
  };
  afterEach(async () => {
    for (const rig of rigs.splice(0)) await rig.close();
  });

  it('goes on counting, whichever instance is asked, and gives no guess twice', async () => {
    const [before, after] = [await open(`${OLD},${NEW}`), await open(`${NEW},${OLD}`)];
    const tiers: number[] = [];
    for (const lockout of [before, after, after, before, after])
      tiers.push((await lockout.reserve({ accountKey: ANN })).tier);
    expect(tiers).toEqual([0, 0, 0, 0, 5]);
    for (const lockout of [before, after])
      expect(await lockout.reserve({ accountKey: ANN })).toMatchObject({ allowed: false, tier: 5 });
  });

  it('is lifted under every key', async () => {
    const [before, after] = [await open(OLD), await open(`${NEW},${OLD}`)];
    for (let at = 0; at < 5; at += 1) await before.reserve({ accountKey: ANN });
    expect(await after.reserve({ accountKey: ANN })).toMatchObject({ allowed: false });
    await after.unlock(ANN);
    for (const lockout of [before, after])
      expect(await lockout.reserve({ accountKey: ANN })).toMatchObject({ allowed: true, tier: 0 });
  });

  it('names an account under each key, the newest first', async () => {
    const [old, both] = [await open(OLD), await open(`${NEW},${OLD}`)];
    expect(both.accountDigests(ANN)).toHaveLength(2);
    expect(both.accountDigests(ANN)[1]).toBe(old.accountDigests(ANN)[0]);
  });
});
