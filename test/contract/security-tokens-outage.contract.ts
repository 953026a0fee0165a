import { afterEach, beforeEach, expect, it } from 'vitest';
import { RedisUnavailableError } from '../../src/redis/index.js';
import { ReplayedNonceError, TokenInUseError, TokenInvalidError } from '../../src/security-tokens/index.js';
import type { Compartments } from '../support/compartments.js';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import {
  SKEW_MS,
  counted,
  held,
  noncesOn,
  openPurpose,
  outcomeOf,
  passTime,
  tokensOn,
} from './security-tokens.rig.js';
import { withEngine } from './support/engine.js';

withEngine('Security tokens when answers are lost', (engine) => {
  let proxy: TcpProxy;
  let compartments: Compartments;
  let rig: ReturnType<typeof tokensOn>;
  let guard: ReturnType<typeof noncesOn>;

  beforeEach(async () => {
    proxy = await startTcpProxy({ targetPort: engine.port });
    compartments = await openPurpose(proxy.port);
    const redis = compartments.client('securityTokens');
    rig = tokensOn(redis);
    guard = noncesOn(redis);
    // The server knows the scripts: else the answer that is lost may be that it does not.
    await rig.tokens.use('passwordReset', await issue(), async () => undefined);
    await guard.nonces.prepare('another');
  });
  afterEach(async () => {
    await compartments.close();
    await proxy.stop();
  });

  const issue = async () => (await rig.tokens.issue('passwordReset', { subject: 'u1' })).token;
  const up = () =>
    waitFor(() => compartments.status.of('securityTokens').state === 'up', {
      what: 'the compartment to be up',
    });

  /** The server carries the call out, and its answer never arrives. */
  async function withLostReply(call: () => Promise<unknown>): Promise<void> {
    const lost = proxy.bytesLost;
    await proxy.dropReplies();
    await expect(call()).rejects.toMatchObject({
      purpose: 'securityTokens',
      status: 503,
      maybeExecuted: true,
    });
    await waitFor(() => proxy.bytesLost > lost, { what: 'an answer to be lost' });
    await proxy.pass();
    await up();
  }

  it('a claim whose answer was lost is had again by its id, and by no other', async () => {
    const token = await issue();
    const id = 'claim-of-this-request';
    await withLostReply(() => rig.tokens.claim('passwordReset', token, id));
    await expect(rig.tokens.claim('passwordReset', token)).rejects.toBeInstanceOf(TokenInUseError);
    const claim = await rig.tokens.claim('passwordReset', token, id);
    await rig.tokens.finish(claim);
    await expect(rig.tokens.claim('passwordReset', token)).rejects.toBeInstanceOf(TokenInvalidError);
  });

  it('a claim that nobody can ask for again is given back, so that the next need not wait for its lease', async () => {
    const token = await issue();
    await withLostReply(() => rig.tokens.claim('passwordReset', token));
    await expect(rig.tokens.claim('passwordReset', token)).rejects.toBeInstanceOf(TokenInUseError);
    await waitFor(
      () => {
        rig.clock.advance(250);
        return rig.tokens.claim('passwordReset', token).catch(() => undefined);
      },
      { what: 'the token to be free' },
    );
  });

  it('a finish whose answer was lost is asked again, and the token was used once', async () => {
    const token = await issue();
    const claim = await rig.tokens.claim('passwordReset', token);
    await withLostReply(() => rig.tokens.finish(claim));
    await expect(rig.tokens.claim('passwordReset', token)).rejects.toBeInstanceOf(TokenInvalidError);
    await rig.tokens.finish(claim);
  });

  it('a release whose answer was lost is asked again', async () => {
    const token = await issue();
    const claim = await rig.tokens.claim('passwordReset', token);
    await withLostReply(() => rig.tokens.release(claim));
    await rig.tokens.release(claim);
    expect(await outcomeOf(rig.tokens.claim('passwordReset', token))).toBe('ok');
  });

  it('an issue whose answer was lost leaves a token that nobody has', async () => {
    const older = await issue();
    await withLostReply(issue);
    await expect(rig.tokens.claim('passwordReset', older)).rejects.toBeInstanceOf(TokenInvalidError);
    await rig.tokens.claim('passwordReset', await issue());
    const tokens = (await held(engine.redis)).filter(({ key }) => !key.endsWith(':birth'));
    for (const { ttlMs } of tokens) expect(ttlMs).toBeGreaterThan(0);
    expect(tokens).toHaveLength(1);
  });

  it('work that is done when Redis goes away is done, and Redis is told when it is back', async () => {
    const token = await issue();
    const use = rig.tokens.use('passwordReset', token, async () => {
      await proxy.refuse();
      return 'done';
    });
    expect(await use).toBe('done');
    await proxy.pass();
    await up();
    await expect(rig.tokens.claim('passwordReset', token)).rejects.toBeInstanceOf(TokenInUseError);
    await waitFor(
      async () => {
        rig.clock.advance(250);
        const again: unknown = await rig.tokens
          .claim('passwordReset', token)
          .catch((error: unknown) => error);
        return again instanceof TokenInvalidError;
      },
      { what: 'the token to be used up' },
    );
  });

  it('what Redis was not told yet it is told before the application ends', async () => {
    const token = await issue();
    await rig.tokens.use('passwordReset', token, async () => {
      await proxy.refuse();
    });
    await proxy.pass();
    await up();
    await rig.tokens.beforeApplicationShutdown();
    await expect(rig.tokens.claim('passwordReset', token)).rejects.toBeInstanceOf(TokenInvalidError);
  });

  it('work that fails while Redis is away fails with its own error', async () => {
    const weak = new Error('too short');
    const use = rig.tokens.use('passwordReset', await issue(), async () => {
      await proxy.refuse();
      throw weak;
    });
    await expect(use).rejects.toBe(weak);
  });

  it('a nonce whose answer was lost is used up', async () => {
    await guard.nonces.prepare('key');
    await passTime(engine.redis, SKEW_MS);
    const window = { issuedAtMs: Date.now(), expiresAtMs: Date.now() + 60_000 };
    await withLostReply(() => guard.nonces.use('key', 'n', window));
    await expect(guard.nonces.use('key', 'n', window)).rejects.toBeInstanceOf(ReplayedNonceError);
  });

  it.each(['refuse', 'blackHole', 'dropReplies'] as const)(
    'every operation fails closed and is counted while the network does %s',
    async (fault) => {
      const { tokens, metrics } = rig;
      const token = await issue();
      const [one, two] = [await tokens.claim('passwordReset', token), await issue()];
      await proxy[fault]();
      const window = { issuedAtMs: Date.now(), expiresAtMs: Date.now() + 60_000 };
      const calls = {
        issue: issue(),
        claim: tokens.claim('passwordReset', two),
        finish: tokens.finish(one),
        release: tokens.release(one),
        revoke: tokens.revoke('passwordReset', 'u1'),
        nonce: guard.nonces.use('key', 'n', window),
      };
      const startMs = performance.now();
      for (const [operation, settled] of Object.entries(calls)) {
        await expect(settled).rejects.toBeInstanceOf(RedisUnavailableError);
        const counter = operation === 'nonce' ? guard.metrics : metrics;
        expect(await counted(counter.securityTokenFailClosed, { operation })).toBe(1);
      }
      // The budget of a call is 250 ms; several times that is no hang on a busy machine.
      expect(performance.now() - startMs).toBeLessThan(2000);
      // What was not made here is refused without Redis, as ever.
      await expect(tokens.claim('passwordReset', 'x')).rejects.toBeInstanceOf(TokenInvalidError);
    },
  );
});
