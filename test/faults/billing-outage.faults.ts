import { afterAll, beforeAll, expect, it } from 'vitest';
import { Person } from '../e2e/auth/person.js';
import type { Stem } from '../e2e/auth/house.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { BILLING_VISITS, BillingScene, type Said } from './support/billing/visits.js';
import { BILLING_ENDPOINTS, type EndpointRow, readEndpointTable } from './support/endpoint-table.js';

const COMPARTMENTS = [
  ['rateLimit', 'RATE_LIMIT'],
  ['authCache', 'AUTH_CACHE'],
  ['securityTokens', 'SECURITY_TOKEN'],
  ['billingEvents', 'BILLING_EVENTS'],
] as const satisfies readonly (readonly [keyof EndpointRow['away'], Stem])[];

describeReal('Endpoints of billing answer as the table says', () => {
  const table: ReadonlyMap<string, EndpointRow> = new Map(
    readEndpointTable(BILLING_ENDPOINTS).map((row) => [`${row.method} ${row.path}`, row]),
  );
  let scene: BillingScene;
  beforeAll(async () => {
    scene = await BillingScene.open();
  });
  afterAll(() => scene?.close());

  /** Makes everything ready, lets `away` do its work, asks everything, and takes it back. */
  const answers = async (away: () => Promise<unknown>, back: () => Promise<unknown>) => {
    await scene.sound();
    const ready: (readonly [string, () => Promise<Said>])[] = [];
    for (const visit of BILLING_VISITS) ready.push([visit.endpoint, await visit.prepare(scene)]);
    try {
      await away();
      return await Promise.all(ready.map(async ([endpoint, send]) => [endpoint, await send()] as const));
    } finally {
      await back();
    }
  };

  /** @returns each answer that is not as promised, or a 503 that does not say whose and until when */
  const broken = (seen: readonly (readonly [string, Said])[], away: keyof EndpointRow['away']) =>
    seen.flatMap(([endpoint, { status, problem, retryAfter }]) => {
      const promised = table.get(endpoint)?.away[away]?.status;
      const sound = status !== 503 || (problem === 'compartment-unavailable' && retryAfter > 0);
      return status === promised && sound ? [] : [{ endpoint, promised, status, problem, retryAfter }];
    });

  it('of every endpoint that the table has', () => {
    expect(BILLING_VISITS.map(({ endpoint }) => endpoint).toSorted()).toEqual([...table.keys()].toSorted());
  });

  it.each(COMPARTMENTS)('while %s is away', async (purpose, stem) => {
    const server = scene.parts.house.redis(stem);
    const isAway = async () => (await scene.caller.get('/readyz')).body.status !== 'ok';
    const seen = await answers(
      async () => {
        await server.kill9();
        await waitFor(isAway, { what: `${purpose} to be known as lost`, timeoutMs: 20_000 });
      },
      () => server.start(),
    );
    expect(broken(seen, purpose)).toEqual([]);
  });

  it('while SQL is away', async () => {
    const probe = new Person(scene.parts.house);
    const seen = await answers(
      async () => {
        await scene.parts.postgres.down();
        await waitFor(async () => (await probe.attempt()).status === 503, {
          what: 'SQL to be known as lost',
        });
      },
      () => scene.parts.postgres.start(),
    );
    expect(broken(seen, 'SQL')).toEqual([]);
  });
});
