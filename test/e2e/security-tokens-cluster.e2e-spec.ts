import { afterAll, beforeAll, expect, it } from 'vitest';
import { keySlot } from '../../src/redis/key-slot.js';
import { SKEW_MS, held, noncesOn, outcomeOf, passTime, tokensOn } from '../contract/security-tokens.rig.js';
import { type Compartments, openCompartments } from '../support/compartments.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js';

const PEOPLE = 30;

describeReal('Security tokens on a cluster of three', () => {
  let cluster: RedisCluster;
  let core: Compartments;
  beforeAll(async () => {
    cluster = await startRedisCluster();
    const [first, ...others] = cluster.nodes;
    core = await openCompartments(['securityTokens'], {
      SECURITY_TOKEN_REDIS_URL: `redis://127.0.0.1:${first?.port}`,
      SECURITY_TOKEN_REDIS_TOPOLOGY: 'cluster',
      SECURITY_TOKEN_REDIS_NODES: others.map(({ port }) => `127.0.0.1:${port}`).join(','),
      SECURITY_TOKEN_REDIS_WAIT_REPLICAS: '0',
    });
  });
  afterAll(async () => {
    await core?.close();
    await cluster?.stop();
  });

  const everything = async () => (await Promise.all(cluster.nodes.map((node) => held(node.admin())))).flat();
  const later = () => Promise.all(cluster.nodes.map((node) => passTime(node.admin(), SKEW_MS)));

  it('are spread over the nodes, each subject in one slot, and work once', async () => {
    const { tokens } = tokensOn(core.client('securityTokens'));
    for (let n = 0; n < PEOPLE; n += 1) {
      const { token } = await tokens.issue('passwordReset', { subject: `u${n}` });
      const uses = [1, 2].map(() => outcomeOf(tokens.use('passwordReset', token, async () => undefined)));
      expect((await Promise.all(uses)).sort()).toContain('ok');
      expect(await outcomeOf(tokens.claim('passwordReset', token))).toBe('invalid-or-expired-token');
    }
    const perNode = await Promise.all(cluster.nodes.map(async (node) => (await held(node.admin())).length));
    expect(perNode.every((count) => count > 0)).toBe(true);
    expect(perNode.reduce((sum, count) => sum + count, 0)).toBe(PEOPLE);
  });

  it('a nonce and the birth of its key lie in one slot; where the slot moves, old requests are refused', async () => {
    const { nonces } = noncesOn(core.client('securityTokens'));
    await nonces.prepare('key');
    await later();
    const window = { issuedAtMs: Date.now(), expiresAtMs: Date.now() + 300_000 };
    expect(await outcomeOf(nonces.use('key', 'n', window))).toBe('ok');
    expect(await outcomeOf(nonces.use('key', 'n', window))).toBe('replayed-nonce');
    const keys = (await everything()).map(({ key }) => key).filter((key) => key.startsWith('st:n:'));
    const [slot, ...rest] = new Set(keys.map(keySlot));
    expect([keys.length, rest]).toEqual([2, []]);
    const owner = await cluster.masterOfSlot(slot ?? 0);
    await cluster.moveSlot(slot ?? 0, cluster.nodes.find((node) => node !== owner) ?? owner);
    // Another server, which might have been told less: nobody can say.
    expect(await outcomeOf(nonces.use('key', 'n', window))).toBe('replay-state-lost');
  });
});
