import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { PURPOSES, type BuiltInPurpose } from '../../src/redis/index.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { type Attempt, Callers, type Incrementer } from './support/callers.js';
import { FAULTS, type FaultRow } from './support/fault-table.js';
import { CANARY, type FaultHouse, PURPOSE_NAMES, openFaultHouse } from './support/house.js';

/** Long enough for time-out, silence, loss and several attempts to reconnect. */
const FAULT_MS = 1300;
/** The promise is 3 s at most; five times the usual second leaves room for a busy machine. */
const RECOVERY_MS = 5000;
/** A call may take its budget and 50 ms; the rest is the noise of a shared machine. */
const NOISE_MS = 200;
/** Share of the calls of an unaffected compartment that the machine itself may delay past their budget. */
const MACHINE_NOISE = 0.02;

/** The full matrix runs every fault on every purpose; the short one spreads the faults over the purposes. */
const full = process.env.FAULTS === 'full';
const CELLS = FAULTS.flatMap((fault, index) => {
  const purposes = full ? PURPOSE_NAMES : [PURPOSE_NAMES[index % PURPOSE_NAMES.length] as BuiltInPurpose];
  return purposes.map((purpose) => ({ fault, purpose, name: `${purpose} ${fault.name}` }));
});

describeReal('Every call stays bounded while', () => {
  let house: FaultHouse;
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);

  beforeAll(async () => {
    process.on('unhandledRejection', note);
    house = await openFaultHouse();
  });
  afterAll(async () => {
    await house.close();
    process.off('unhandledRejection', note);
  });
  beforeEach(async () => {
    await allUp();
    await Promise.all(Object.values(house.sites).map(({ server }) => server.admin().flushall()));
  });

  it.each(CELLS)('$name', async ({ fault, purpose }) => {
    const callers = new Map(PURPOSE_NAMES.map((name) => [name, callersOf(name)]));
    await sleep(100);
    await fault.inject(house.sites[purpose]);
    await waitFor(() => house.core.status.of(purpose).state !== 'up', {
      what: `${purpose} to be seen as lost`,
    });
    await sleep(FAULT_MS);
    const reason = house.core.status.of(purpose).reason;
    const healing = performance.now();
    await fault.heal(house.sites[purpose]);
    const healed = performance.now();
    await waitFor(() => house.core.status.of(purpose).state === 'up', {
      what: `the recovery of ${purpose}`,
      timeoutMs: RECOVERY_MS + (healed - healing),
    });
    const recoveryMs = performance.now() - healed;
    await sleep(50);
    const attempts = new Map<BuiltInPurpose, readonly Attempt[]>();
    for (const [name, group] of callers) attempts.set(name, await group.stop());

    const own = attempts.get(purpose) ?? [];
    expect(unhandled).toEqual([]);
    expect(fault.reasons).toContain(reason);
    judgeOwn(own, purpose, fault);
    for (const other of PURPOSE_NAMES.filter((name) => name !== purpose)) {
      judgeOther(attempts.get(other) ?? [], `${other} while ${purpose} is ${fault.name}`);
    }
    expect([...callers.values()].map((group) => group.pending)).toEqual([0, 0, 0, 0]);
    await expectNothingTwice(own, purpose);
    report({ fault, purpose, own, recoveryMs, reason });
  });

  function callersOf(purpose: BuiltInPurpose): Callers {
    return new Callers(house.core.client(purpose) as unknown as Incrementer, PURPOSES[purpose].namespace);
  }

  async function allUp(): Promise<void> {
    const states = () => house.core.status.all().map(({ state }) => state);
    await waitFor(() => states().every((state) => state === 'up'), {
      what: 'all compartments up',
      timeoutMs: 10_000,
    });
  }

  /** What was acknowledged has run once; what failed has run once or not at all. */
  async function expectNothingTwice(attempts: readonly Attempt[], purpose: BuiltInPurpose): Promise<void> {
    const admin = house.sites[purpose].server.admin();
    const values = await admin.mget(attempts.map(({ key }) => key));
    const wrong = attempts.filter(({ outcome, maybeExecuted }, index) => {
      const times = Number(values[index] ?? 0);
      if (outcome === 'ok') return times !== 1;
      return times > 1 || (times === 1 && maybeExecuted === false);
    });
    expect(wrong.slice(0, 3)).toEqual([]);
  }
});

function judgeOwn(attempts: readonly Attempt[], purpose: BuiltInPurpose, fault: FaultRow): void {
  const { commandMs } = PURPOSES[purpose].lanes.command;
  const failed = attempts.filter(({ outcome }) => outcome !== 'ok');
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.filter(({ outcome }) => outcome === 'foreign error').slice(0, 3)).toEqual([]);
  expect(failed.filter(({ reason }) => !(fault.reasons as readonly string[]).includes(reason ?? ''))).toEqual(
    [],
  );
  expect(attempts.filter(({ ms }) => ms > commandMs + NOISE_MS).slice(0, 3)).toEqual([]);
  const unexpected = failed.filter(({ maybeExecuted }) => maybeExecuted && !fault.unknownOutcomes);
  expect(unexpected.slice(0, 3)).toEqual([]);
  expect(failed.filter(({ text }) => text?.includes(CANARY)).slice(0, 3)).toEqual([]);
}

/** Another compartment does not notice. What a shared machine does to a 100 ms budget is allowed for. */
function judgeOther(attempts: readonly Attempt[], cell: string): void {
  const failed = attempts.filter(({ outcome }) => outcome !== 'ok');
  expect(attempts.length, cell).toBeGreaterThan(100);
  expect(failed.filter(({ reason }) => reason !== 'timeout').slice(0, 3), cell).toEqual([]);
  expect(failed.length / attempts.length, cell).toBeLessThan(MACHINE_NOISE);
}

interface Cell {
  readonly fault: FaultRow;
  readonly purpose: BuiltInPurpose;
  readonly own: readonly Attempt[];
  readonly recoveryMs: number;
  readonly reason: string | undefined;
}

function report({ fault, purpose, own, recoveryMs, reason }: Cell): void {
  const failed = own.filter(({ outcome }) => outcome !== 'ok');
  const slowest = Math.max(...own.map(({ ms }) => ms));
  const unknown = failed.filter(({ maybeExecuted }) => maybeExecuted).length;
  process.stdout.write(
    `  ${purpose.padEnd(15)} ${fault.name.padEnd(30)} ${String(reason).padEnd(10)} ` +
      `${own.length} calls, ${failed.length} failed (${unknown} of unknown outcome), ` +
      `slowest ${slowest.toFixed(0)} ms, back after ${recoveryMs.toFixed(0)} ms\n`,
  );
}
