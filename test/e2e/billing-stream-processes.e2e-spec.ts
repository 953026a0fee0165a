import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningApplication, startApplication } from '../support/application.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { TestSource } from './billing-stream/event-source.js';
import { StreamHouse, numbersOf } from './billing-stream/house.js';

const TENANTS = 5;
/** Each is somebody else: a process that is killed leaves its leases behind, and a tenant has twenty. */
const CLIENTS_OF_TENANT = 9;
const PATIENT = { timeoutMs: 30_000, intervalMs: 50 };

interface Client {
  readonly tenantId: string;
  readonly source: TestSource;
}

describeReal('Streams of billing events on two processes', () => {
  let house: StreamHouse;
  let processes: RunningApplication[];
  beforeAll(async () => {
    house = await StreamHouse.open({ strict: true });
    processes = await Promise.all([startApplication(house.variables), startApplication(house.variables)]);
  });
  afterAll(async () => {
    for (const { process: child, exit } of processes ?? []) {
      child.kill('SIGTERM');
      await exit;
    }
    await house?.close();
  });

  const originOf = (place: number) => (processes[place] as RunningApplication).origin;

  /** As a browser does: until it is let in. */
  const connect = async (source: TestSource, place: number) => {
    source.url = `${originOf(place)}/v1/billing/stream`;
    const letIn = async () => {
      const { status } = await source.connect().catch(() => ({ status: 0 }));
      return status === 200;
    };
    await waitFor(letIn, { what: `a stream at ${source.url}, not ${source.status}`, ...PATIENT });
  };

  async function join(tenantId: string, at: number): Promise<Client> {
    const { userId } = await house.person();
    const { token } = await house.login(userId, tenantId);
    // From a place of its own: connects are counted by address.
    const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': `10.9.${at}.1` };
    const source = new TestSource('', { headers });
    await connect(source, at % 2);
    await waitFor(() => source.lastEventId !== '', { what: 'a cursor', ...PATIENT });
    return { tenantId, source };
  }

  it('lose and double nothing while clients move between them and one is killed', async () => {
    const tenants: string[] = [];
    for (let n = 0; n < TENANTS; n += 1) tenants.push((await house.person()).tenantId);
    const clients: Client[] = [];
    for (let at = 0; at < TENANTS * CLIENTS_OF_TENANT; at += 1)
      clients.push(await join(tenants[at % TENANTS] as string, at));
    const told = new Map<string, number[]>(tenants.map((tenantId) => [tenantId, []]));
    const count = () => [...told.values()].reduce((sum, numbers) => sum + numbers.length, 0);
    let publishing = true;
    const publisher = (async () => {
      while (publishing)
        for (const [tenantId, numbers] of told) numbers.push(...(await house.publish(tenantId, 5)));
    })();
    const more = async (events: number) => {
      const before = count();
      await waitFor(() => count() >= before + events, { what: `${events} events more`, ...PATIENT });
    };

    const move = async ({ source }: Client, place: number) => {
      await source.cut();
      await connect(source, place);
    };
    for (const round of [1, 2]) {
      await more(500);
      await Promise.all(clients.map((client, at) => move(client, (at + round) % 2)));
    }

    await more(500);
    const [killed] = processes as [RunningApplication];
    const orphans = clients.filter(({ source }) => source.url.startsWith(killed.origin));
    killed.process.kill('SIGKILL');
    await killed.exit;
    await Promise.all(orphans.map(({ source }) => source.closed));
    await Promise.all(orphans.map(({ source }) => connect(source, 1)));

    await more(500);
    const { port } = new URL(killed.origin);
    processes[0] = await startApplication({ ...house.variables, PORT: port });
    await Promise.all(clients.filter((_, at) => at % 3 === 0).map((client) => move(client, 0)));
    await more(500);
    publishing = false;
    await publisher;

    const expected = ({ tenantId }: Client) => told.get(tenantId) as number[];
    const complete = clients.map((client) =>
      waitFor(() => client.source.billing.length >= expected(client).length, {
        what: 'the last event',
        ...PATIENT,
      }),
    );
    // Who waits in vain is counted below as one that has lost something.
    await Promise.allSettled(complete);
    const sums = { lost: 0, twice: 0, disordered: 0, gaps: 0 };
    for (const client of clients) {
      const got = numbersOf(client.source);
      const once = [...new Set(got)];
      sums.lost += expected(client).filter((n) => !once.includes(n)).length;
      sums.twice += got.length - once.length;
      sums.disordered += once.filter((n, at) => at > 0 && n < (once[at - 1] as number)).length;
      sums.gaps += client.source.of('gap').length;
    }
    const sum = (of: (client: Client) => number) => clients.reduce((all, one) => all + of(one), 0);
    process.stdout.write(
      `  ${clients.length} clients of ${TENANTS} tenants on 2 processes, ${orphans.length} orphaned by SIGKILL: ` +
        `${count()} events, ${sum(({ source }) => source.billing.length)} deliveries over ` +
        `${sum(({ source }) => source.connects)} connections; ${JSON.stringify(sums)}\n`,
    );
    expect(sums).toEqual({ lost: 0, twice: 0, disordered: 0, gaps: 0 });
    expect(orphans.length).toBeGreaterThan(15);
    expect(sum(({ source }) => source.billing.length)).toBe(sum((client) => expected(client).length));
    for (const { source } of clients) await source.cut();
  });
});
