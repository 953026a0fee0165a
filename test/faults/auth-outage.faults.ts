import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { Person } from '../e2e/auth/person.js';
import { type CellResult, judge, prepareAll, retry, rowOf, runCell, sendAll } from './support/auth/cell.js';
import { RIGHTS_TAKEN } from './support/auth/rights-taken.js';
import { SESSION_VISITS } from './support/auth/session-visits.js';
import { AuthSites, CLOSED_PURPOSES } from './support/auth/sites.js';
import { TOKEN_VISITS } from './support/auth/token-visits.js';
import { ACCOUNT_ENDPOINTS, type EndpointRow, readEndpointTable } from './support/endpoint-table.js';
import { FAULTS } from './support/fault-table.js';
import { FULL } from './support/selection.js';

const VISITS = [...TOKEN_VISITS, ...SESSION_VISITS];
/** The short run has one of each kind, on one of the two. */
const SHORT = [
  'refused',
  'black-holed',
  'replies lost after execution',
  'READONLY',
  'OOM',
  'LOADING',
  'password changed on the server',
  'killed and restarted',
];
/** Takes a right that only the probe needs; RIGHTS_TAKEN takes those that are needed here. */
const OTHER_RIGHTS = 'NOPERM at run time';
const LOST = FAULTS.filter(
  ({ effect, needsTls, name }) => effect === 'lost' && !needsTls && name !== OTHER_RIGHTS,
);
const cells = FULL
  ? [...LOST, RIGHTS_TAKEN].flatMap((fault) => CLOSED_PURPOSES.map((purpose) => ({ fault, purpose })))
  : LOST.filter(({ name }) => SHORT.includes(name)).map((fault, at) => ({
      fault,
      purpose: CLOSED_PURPOSES[at % 2] ?? 'authCache',
    }));

/** More often than the smallest quota allows: what ends in 503 is given back. */
const ASKED_MEANWHILE = 4;

const results: (CellResult & { readonly name: string })[] = [];

const tableOf = (): ReadonlyMap<string, EndpointRow> =>
  new Map(readEndpointTable(ACCOUNT_ENDPOINTS).map((row) => [`${row.method} ${row.path}`, row]));

for (const struck of CLOSED_PURPOSES)
  describeReal(`Endpoints of accounts answer as the table says while ${struck} is`, () => {
    let scene: AuthSites;
    beforeAll(async () => {
      scene = await AuthSites.open(struck);
    });
    afterAll(() => scene.close());

    it.each(
      cells.filter(({ purpose }) => purpose === struck).map(({ fault }) => ({ name: fault.name, fault })),
    )('$name', async ({ name, fault }) => {
      const result = await runCell(scene, { fault, purpose: struck }, tableOf(), VISITS);
      results.push({ name: `${struck} ${name}`, ...result });
      expect(result.complaints).toEqual([]);
    });
  });

describeReal('Endpoints of accounts answer as the table says', () => {
  const table = tableOf();
  let scene: AuthSites;
  beforeAll(async () => {
    scene = await AuthSites.open();
  });
  afterAll(() => scene.close());

  it('of every endpoint that the table has', () => {
    const visited = new Set(VISITS.map(({ endpoint }) => endpoint));
    expect([...visited].toSorted()).toEqual([...table.keys()].toSorted());
  });

  it.each(['RATE_LIMIT', 'BILLING_EVENTS'] as const)('while %s is away', async (stem) => {
    const purpose = stem === 'RATE_LIMIT' ? 'rateLimit' : 'billingEvents';
    await scene.sound();
    const prepared = await prepareAll(scene, VISITS);
    await scene.house.redis(stem).kill9();
    const seen = await sendAll(prepared);
    await scene.house.redis(stem).start();
    expect(seen.flatMap((one) => judge(one, [rowOf(table, one.visit).away[purpose]]))).toEqual([]);
  });

  it('while SQL is away, and as if nothing had been when it is back', async () => {
    await scene.sound();
    const prepared = await prepareAll(scene, VISITS);
    // Known to be away: how long it takes to notice is what sql.faults.ts looks at.
    const probe = new Person(scene.house);
    await scene.postgres.down();
    await waitFor(async () => (await probe.attempt()).status === 503, { what: 'SQL to be known as lost' });
    const seen = await sendAll(prepared);
    const refused = seen.filter(({ answer }) => answer.status === 503);
    // A client goes on, as it is told to: a token that works once is not used up by an outage.
    for (let asked = 2; asked <= ASKED_MEANWHILE; asked += 1) seen.push(...(await sendAll(refused)));
    await scene.postgres.start();
    await scene.sound();
    const promised = (one: (typeof seen)[number]) => {
      const { SQL } = rowOf(table, one.visit).away;
      return SQL ? [SQL] : [];
    };
    expect(seen.flatMap((one) => judge(one, promised(one)))).toEqual([]);
    expect(refused.length).toBeGreaterThan(10);
    const again = refused.map((one) => retry(one, rowOf(table, one.visit), { unknownOutcomes: false }));
    expect((await Promise.all(again)).filter((complaint) => complaint !== undefined)).toEqual([]);
  });

  it('and the run adds up', () => {
    const sum = (of: (result: CellResult) => number) => results.reduce((all, one) => all + of(one), 0);
    const line = ({ asked, closed, worked, again, slowestMs, backMs }: CellResult) =>
      `${asked} asked, ${closed} × 503 (slowest ${slowestMs.toFixed(0)} ms), ${worked} as promised without it, ` +
      `${again} worked afterwards, back after ${backMs.toFixed(0)} ms`;
    for (const result of results) process.stdout.write(`  ${result.name}: ${line(result)}\n`);
    const slowestMs = Math.max(...results.map((one) => one.slowestMs));
    process.stdout.write(
      `${results.length} faults × ${VISITS.length} visits of ${table.size} endpoints: ${sum((one) => one.asked)} asked, ` +
        `${sum((one) => one.closed)} × 503, ${sum((one) => one.unauthorized)} × 401, ${sum((one) => one.cookies)} cookies ` +
        `changed by a 503, slowest ${slowestMs.toFixed(0)} ms, ` +
        `${sum((one) => one.again)} worked afterwards, ${sum((one) => one.complaints.length)} complaints\n`,
    );
    expect(results.length).toBe(cells.length);
    expect([sum((one) => one.unauthorized), sum((one) => one.cookies)]).toEqual([0, 0]);
    expect(sum((one) => one.closed)).toBeGreaterThan(results.length * 5);
  });
});
