import { afterAll, beforeAll, expect, it } from 'vitest';
import { RedisUnavailableError } from '../../src/redis/index.js';
import { counted, noncesOn, tokensOn } from '../contract/security-tokens.rig.js';
import { type Compartments, openCompartments } from '../support/compartments.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import type { FaultRow } from './support/fault-row.js';
import { FAULTS } from './support/fault-table.js';
import { FULL } from './support/selection.js';
import { CANARY, type Site, closeSite, openSite } from './support/site.js';

/** The short run has one of each kind of failure. */
const SHORT = [
  'refused',
  'black-holed',
  'replies lost after execution',
  'READONLY',
  'MISCONF',
  'LOADING',
  'OOM',
  'corrupted',
];
const LOST = FAULTS.filter(({ effect, needsTls }) => effect === 'lost' && !needsTls);
/** A script stops at the first command that it may not call, and none of ours calls SET. */
const OTHER_RIGHTS = new Set(['NOPERM at run time']);
const rows = LOST.filter(({ name }) => !OTHER_RIGHTS.has(name) && (FULL || SHORT.includes(name)));

const scriptRights: FaultRow = {
  name: 'NOPERM in a script',
  family: 'rights',
  effect: 'lost',
  inject: async ({ server, user }) =>
    void (await server.admin().call('ACL', 'SETUSER', user, '-hset', '-hget')),
  heal: async ({ server, user }) =>
    void (await server.admin().call('ACL', 'SETUSER', user, '+hset', '+hget')),
  reasons: ['noperm'],
  unknownOutcomes: true,
};

describeReal('Security tokens fail closed while the server is', () => {
  let site: Site;
  let compartments: Compartments;

  beforeAll(async () => {
    site = await openSite({ purpose: 'securityTokens', user: 'st-app' });
    compartments = await openCompartments(['securityTokens'], {
      SECURITY_TOKEN_REDIS_URL: `redis://127.0.0.1:${site.proxy.port}`,
      SECURITY_TOKEN_REDIS_USERNAME: site.user,
      SECURITY_TOKEN_REDIS_PASSWORD: CANARY,
    });
  });
  afterAll(async () => {
    await compartments.close();
    await closeSite(site);
  });

  it.each([...rows, scriptRights])('$name', async (fault) => {
    const redis = compartments.client('securityTokens');
    const { tokens, metrics } = tokensOn(redis);
    const guard = noncesOn(redis);
    const issue = (subject: string) => tokens.issue('passwordReset', { subject });
    const works = async () => {
      const { token } = await issue('probe');
      await tokens.use('passwordReset', token, async () => undefined);
      return true;
    };
    await waitFor(() => works().catch(() => false), {
      what: 'the compartment to be sound',
      timeoutMs: 15_000,
    });
    const [one, two] = await Promise.all([issue('u1'), issue('u2')]);
    const claim = await tokens.claim('passwordReset', one.token);
    const before = await counted(metrics.securityTokenFailClosed);

    const calls = (): Readonly<Record<string, () => Promise<unknown>>> => ({
      issue: () => issue('u3'),
      claim: () => tokens.claim('passwordReset', two.token),
      finish: () => tokens.finish(claim),
      release: () => tokens.release(claim),
      nonce: () => guard.nonces.use('key', 'n', { issuedAtMs: Date.now(), expiresAtMs: Date.now() + 60_000 }),
    });
    const told: string[] = [];
    let longestMs = 0;
    try {
      await fault.inject(site);
      for (const [operation, call] of Object.entries(calls())) {
        const startMs = performance.now();
        const error: unknown = await call().then(
          () => 'went through',
          (reason: unknown) => reason,
        );
        longestMs = Math.max(longestMs, performance.now() - startMs);
        const expected = error instanceof RedisUnavailableError && fault.reasons.includes(error.reason);
        if (!expected) told.push(`${operation}: ${String(error)}`);
      }
    } finally {
      await fault.heal(site);
    }
    expect(told).toEqual([]);
    // The budget of a call is 250 ms; several times that is no hang on a busy machine.
    expect(longestMs).toBeLessThan(2000);
    expect(await counted(metrics.securityTokenFailClosed)).toBe(before + 4);
    expect(await counted(guard.metrics.securityTokenFailClosed, { operation: 'nonce' })).toBe(1);

    await waitFor(() => works().catch(() => false), {
      what: 'the compartment to be back',
      timeoutMs: 15_000,
    });
    process.stdout.write(
      `${fault.name}: 5 of 5 operations refused, the slowest after ${Math.round(longestMs)} ms\n`,
    );
  });
});
