import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { PURPOSES, type BuiltInPurpose } from '../../src/redis/index.js';
import type { Compartments } from '../../test/support/compartments.js';

/** What the callers of one purpose saw; milliseconds, failed calls included. */
export interface Reading {
  readonly calls: number;
  readonly errors: number;
  readonly p50: number;
  readonly p99: number;
}

export type Readings = Readonly<Record<BuiltInPurpose | 'control', Reading>>;

/** The observed application, and a bare connection to a server that belongs to no purpose: what the machine does. */
export interface Observed {
  readonly core: Compartments;
  readonly control: Redis;
}

export const PURPOSE_NAMES = Object.keys(PURPOSES) as BuiltInPurpose[];

/** 250 calls a second of each purpose: modest, and enough for a p99 within seconds. */
const EVERY_MS = 4;
const VALUE = 'x'.repeat(64);

/**
 * Calls every purpose, and the control, at a steady rate for `ms`. The rate does not wait for answers, so that a
 * purpose which answers slowly is not asked less often.
 */
export async function observe(observed: Observed, ms: number): Promise<Readings> {
  const samples = samplesOf(observed);
  const calls: Promise<void>[] = [];
  let turn = 0;
  const timer = setInterval(() => {
    turn += 1;
    for (const sample of samples) calls.push(call(sample, turn));
  }, EVERY_MS);
  await sleep(ms);
  clearInterval(timer);
  await Promise.all(calls);
  const readings = samples.map((sample) => [sample.name, readingOf(sample)] as const);
  return Object.fromEntries(readings) as Record<keyof Readings, Reading>;
}

interface Sample {
  readonly name: keyof Readings;
  readonly client: Pick<Redis, 'get' | 'set'>;
  readonly namespace: string;
  readonly ms: number[];
  errors: number;
}

function samplesOf({ core, control }: Observed): Sample[] {
  const empty = () => ({ ms: [], errors: 0 });
  return [
    ...PURPOSE_NAMES.map((name) => ({
      name,
      client: core.lane(name, 'command'),
      namespace: PURPOSES[name].namespace,
      ...empty(),
    })),
    { name: 'control', client: control, namespace: 'control', ...empty() },
  ];
}

async function call(sample: Sample, turn: number): Promise<void> {
  const key = `${sample.namespace}:bench:${turn % 100}`;
  const started = performance.now();
  try {
    await (turn % 2 === 0 ? sample.client.get(key) : sample.client.set(key, VALUE));
  } catch {
    sample.errors += 1;
  }
  sample.ms.push(performance.now() - started);
}

function readingOf({ ms, errors }: Sample): Reading {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return { calls: sorted.length, errors, p50: at(0.5), p99: at(0.99) };
}
