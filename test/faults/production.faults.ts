import { afterAll, beforeAll, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BuiltInPurpose } from '../../src/redis/index.js';
import type { RunningApplication } from '../support/application.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { type EndpointRow, readEndpointTable } from './support/endpoint-table.js';
import { CANARY, PURPOSE_NAMES, type Site } from './support/house.js';
import { OPS_TOKEN, type ProductionHouse, openProductionHouse } from './support/production.js';

/** Generous: the health endpoints promise 50 ms whatever Redis does, a request its purpose's budget. */
const ANSWER_MS = 1000;
const FAULT_MS = 1200;

const BLOWS: Readonly<
  Record<string, { strike: (site: Site) => Promise<void>; mend: (site: Site) => Promise<void> }>
> = {
  killed: { strike: ({ server }) => server.kill9(), mend: ({ server }) => server.restart() },
  frozen: { strike: ({ server }) => server.freeze(), mend: async ({ server }) => server.thaw() },
  'black-holed': { strike: ({ proxy }) => proxy.blackHole(), mend: ({ proxy }) => proxy.pass() },
};

const CELLS = PURPOSE_NAMES.flatMap((purpose) => Object.keys(BLOWS).map((blow) => ({ purpose, blow })));

describeReal(
  'In production, with TLS and one ACL user per purpose, every endpoint answers as documented while',
  () => {
    const table = readEndpointTable();
    let house: ProductionHouse;
    let app: RunningApplication;
    let asked = 0;
    beforeAll(async () => {
      house = await openProductionHouse();
      app = await house.start({ TRUST_PROXY: '1' });
    });
    afterAll(async () => {
      app.process.kill('SIGKILL');
      await app.exit;
      await house.close();
    });

    it('nothing is wrong', () => {
      expect(app.output()).toContain('Listening on');
    });

    it.each(CELLS)('$purpose is $blow', async ({ purpose, blow }) => {
      const { strike, mend } = BLOWS[blow] as (typeof BLOWS)[string];
      await everyEndpoint(() => 200);
      await strike(house.sites[purpose]);
      await waitFor(async () => (await readiness(purpose)) !== 'up', {
        what: `${purpose} to be seen as lost`,
      });
      const rounds = await askFor(FAULT_MS);
      const mended = performance.now();
      await mend(house.sites[purpose]);
      await waitFor(async () => (await readiness(purpose)) === 'up', { what: `${purpose} to be back` });
      const backMs = performance.now() - mended;

      for (const { row, statuses, slowestMs } of rounds) {
        expect([...new Set(statuses)], `${row.path} while ${purpose} is ${blow}`).toEqual([
          row.away[purpose],
        ]);
        expect(slowestMs, row.path).toBeLessThan(ANSWER_MS);
      }
      const answers = rounds.map(
        ({ row, statuses, slowestMs }) => `${row.path} ${statuses[0]} ${slowestMs.toFixed(0)}ms`,
      );
      process.stdout.write(
        `  ${purpose} ${blow}: ${answers.join(', ')}; back after ${backMs.toFixed(0)} ms\n`,
      );
    });

    it('all four are killed: only then is the application as a whole not ready', async () => {
      await Promise.all(Object.values(house.sites).map(({ server }) => server.kill9()));
      await waitFor(async () => (await ask('/readyz')).status === 503, { what: 'readiness to fail' });
      expect((await ask('/livez')).status).toBe(200);
      expect((await ask('/v1/isolation')).status).toBe(200);
      await Promise.all(Object.values(house.sites).map(({ server }) => server.restart()));
      await waitFor(async () => (await ask('/readyz')).status === 200, { what: 'readiness' });
      await waitFor(async () => (await ask('/readyz/billingEvents')).status === 200, {
        what: 'billingEvents',
      });
    });

    it('the whole drill is over: each outage was announced once and nothing was written per request', () => {
      const lines = app
        .output()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as { level: string; message: unknown });
      const degraded = lines.filter(({ message }) => String(message).includes('PRODUCTION DEGRADED'));
      expect(degraded.length).toBeGreaterThan(0);
      expect(degraded.length).toBeLessThanOrEqual(PURPOSE_NAMES.length);
      expect(degraded.every(({ level }) => level === 'error')).toBe(true);
    });

    it('it ends, with 0, and no secret has been written', async () => {
      app.process.kill('SIGTERM');
      expect((await app.exit).code).toBe(0);
      const secrets = [CANARY, OPS_TOKEN, house.env.RATE_LIMIT_KEY_SECRET ?? ''];
      expect(secrets.filter((secret) => app.output().includes(secret))).toEqual([]);
    });

    /** Asks each endpoint again and again for a while. */
    async function askFor(ms: number) {
      const until = performance.now() + ms;
      const rounds = table.map((row) => ({ row, statuses: [] as number[], slowestMs: 0 }));
      while (performance.now() < until) {
        for (const entry of rounds) {
          const { status, tookMs } = await ask(entry.row.path);
          entry.statuses.push(status);
          entry.slowestMs = Math.max(entry.slowestMs, tookMs);
        }
        await sleep(10);
      }
      return rounds;
    }

    async function everyEndpoint(expected: (row: EndpointRow) => number): Promise<void> {
      for (const row of table) expect((await ask(row.path)).status, row.path).toBe(expected(row));
    }

    async function ask(path: string): Promise<{ status: number; tookMs: number }> {
      const started = performance.now();
      const response = await fetch(`${app.origin}${path}`, { headers: headers() });
      await response.text();
      return { status: response.status, tookMs: performance.now() - started };
    }

    /** Each request from an address of its own: the table is about compartments, not about limits. */
    function headers(): Record<string, string> {
      asked += 1;
      return {
        authorization: `Bearer ${OPS_TOKEN}`,
        'x-forwarded-for': `198.18.${(asked >> 8) & 255}.${asked & 255}`,
      };
    }

    async function readiness(purpose: BuiltInPurpose): Promise<string> {
      const response = await fetch(`${app.origin}/readyz`, { headers: headers() });
      const body = (await response.json()) as { purposes: Record<string, { status: string }> };
      return body.purposes[purpose]?.status ?? 'missing';
    }
  },
);
