import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { PURPOSES, type PurposeRedis, aclRule, sentinelAclRule } from '../../src/redis/index.js';
import { type Compartments, openCompartments } from '../support/compartments.js';
import { describeReal } from '../support/redis-availability.js';
import { type SentinelTrio, startSentinelTrio } from '../support/sentinel-trio.js';
import { waitFor } from '../support/wait-for.js';
import { FULL } from './support/selection.js';
import { CANARY } from './support/site.js';
import { reportSeen } from './support/topology-report.js';
import { type Seen, Workload } from './support/workload.js';

/** The promise is five seconds after the blow; Sentinels that begin an election anew on a busy machine need longer. */
const BACK_MS = 30_000;
/** A Sentinel promotes a replica that it has just seen in good order only. */
const SETTLED_MS = 1500;

const password = (rule: string) => rule.replace('>PASSWORD', `>${CANARY}`);

const BLOWS: Readonly<Record<string, (trio: SentinelTrio) => Promise<() => Promise<void>>>> = {
  'a planned fail-over': async (trio) => {
    await trio.failover();
    return async () => undefined;
  },
  'a killed primary': async (trio) => {
    const former = await trio.primary();
    await former.kill9();
    await trio.newPrimary(former);
    return () => former.restart();
  },
  'a primary that hangs': async (trio) => {
    const former = await trio.primary();
    await former.freeze();
    await trio.newPrimary(former);
    return async () => former.thaw();
  },
};

const VARIANTS = [
  { title: 'TLS and ACL', secure: true },
  { title: 'plain', secure: false },
].slice(0, FULL ? 2 : 1);

describe.each(VARIANTS)('On servers watched by Sentinels, $title,', ({ title, secure }) => {
  describeReal('callers outlive', () => {
    let trio: SentinelTrio;
    let core: Compartments;
    beforeAll(async () => {
      trio = await startSentinelTrio(secure ? secureOptions() : {});
      core = await openCompartments(['authCache', 'securityTokens'], {
        ...variables('AUTH_CACHE_REDIS', 'auth-app'),
        ...variables('SECURITY_TOKEN_REDIS', 'st-app'),
      });
    });
    afterAll(async () => {
      await core?.close();
      await trio?.stop();
    });

    it.each(Object.keys(BLOWS))('%s', async (blow) => {
      await trio.waitUntilStable();
      await sleep(SETTLED_MS);
      await allUp();
      const tokens = new Workload(core.client('securityTokens'), { namespace: 'st', spends: true });
      const cache = new Workload(core.client('authCache') as unknown as PurposeRedis<'securityTokens'>, {
        namespace: 'auth',
        spends: false,
      });
      await sleep(300);
      const blowMs = performance.now();
      const mend = await (BLOWS[blow] as (typeof BLOWS)[string])(trio);
      await allUp();
      await waitFor(() => tokens.quietMs > 300 && cache.quietMs > 300, {
        what: 'calls that pass again',
        timeoutMs: BACK_MS,
      });
      // The old primary comes back while everybody works with the new one.
      await mend();
      await sleep(1000);
      const seen = { tokens: await tokens.stop(), cache: await cache.stop() };
      await trio.waitUntilStable();

      const lost = { tokens: await lostOf(seen.tokens), cache: await lostOf(seen.cache) };
      reportSeen(`Sentinel ${title}, ${blow}: securityTokens`, seen.tokens, blowMs, lost.tokens);
      reportSeen(`Sentinel ${title}, ${blow}: authCache`, seen.cache, blowMs, lost.cache);
      expect([...seen.tokens.foreign, ...seen.cache.foreign]).toEqual([]);
      expect(seen.tokens.writes).toBeGreaterThan(100);
      expect(seen.tokens.spent.length).toBeGreaterThan(10);
      // What waits for a replica survives; what does not may lose a moment, and says so in its row.
      expect(lost.tokens).toBe(0);
      expect(await spentTwice(seen.tokens)).toEqual([]);
    });

    function secureOptions() {
      const rules = (['authCache', 'securityTokens'] as const).map((purpose) => {
        const definition = PURPOSES[purpose];
        const waitReplicas = purpose === 'securityTokens' ? 1 : 0;
        const user = `${definition.namespace}-app`;
        return password(aclRule({ user, definition, db: 0, topology: 'sentinel', waitReplicas }));
      });
      return {
        tls: true,
        acl: ['user default off', ...rules],
        sentinelAuth: { acl: ['user default off', password(sentinelAclRule('watcher'))] },
      };
    }

    function variables(stem: string, user: string): Record<string, string> {
      const [first, ...others] = trio.sentinels;
      return {
        [`${stem}_URL`]: `${secure ? `rediss://${user}:${CANARY}@` : 'redis://'}127.0.0.1:${first?.port}`,
        [`${stem}_TOPOLOGY`]: 'sentinel',
        [`${stem}_SENTINEL_NAME`]: trio.masterName,
        [`${stem}_NODES`]: others.map(({ port }) => `127.0.0.1:${port}`).join(','),
        ...(secure
          ? {
              [`${stem}_SENTINEL_USERNAME`]: 'watcher',
              [`${stem}_SENTINEL_PASSWORD`]: CANARY,
              [`${stem}_TLS_CA_FILE`]: trio.certificates?.ca ?? '',
            }
          : {}),
      };
    }

    async function allUp(): Promise<void> {
      await waitFor(() => core.status.all().every(({ state }) => state === 'up'), {
        what: 'both purposes up',
        timeoutMs: BACK_MS,
      });
    }

    /** Acknowledged writes that the primary of now does not have. */
    async function lostOf({ kept }: Seen): Promise<number> {
      const values = await (await trio.primary()).admin().mget([...kept]);
      return values.filter((value) => value === null).length;
    }

    async function spentTwice({ spent }: Seen): Promise<string[]> {
      const values = await (await trio.primary()).admin().mget([...spent]);
      return spent.filter((_, index) => values[index] !== null);
    }
  });
});
