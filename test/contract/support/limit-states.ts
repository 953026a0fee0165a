import type { Redis } from 'ioredis';
import { Meter } from '../../../src/rate-limit/counting/meter.js';
import { PREFIX } from '../rate-limit.rig.js';
import type { ScriptHost } from './script-host.js';

/** The hashes of a limiter: by key, then by field. */
export type Store = ReadonlyMap<string, ReadonlyMap<string, Buffer>>;

/** What stands for one limit of one subject: one double, or three. */
export type State = readonly number[];

export const MARKER = 'g';

/** All hashes as they were at one moment: a limit goes from one to the other while somebody looks. */
export async function storeOf(redis: Redis): Promise<Store> {
  const keys = await redis.keys(`${PREFIX}:s:*`);
  const transaction = redis.multi();
  for (const key of keys) transaction.hgetallBuffer(key);
  const replies = (await transaction.exec()) ?? [];
  return new Map(
    replies.map(([, fields], at) => [
      keys[at] ?? '',
      new Map(Object.entries(fields as Record<string, Buffer>)),
    ]),
  );
}

export function storeOfHost(host: ScriptHost): Store {
  return new Map([...host.keys.keys()].map((key) => [key, host.fields(key)]));
}

/** All states by field. @throws where one lies in two hashes: then what is read depends on the generation */
export function statesOf(store: Store): Map<string, State> {
  const states = new Map<string, State>();
  for (const [key, fields] of store) {
    for (const [name, value] of fields) {
      if (name === MARKER) continue;
      if (states.has(name)) throw new Error(`${name} lies in ${key} and in another hash`);
      states.set(name, doublesOf(value));
    }
  }
  return states;
}

/** How the limit stands at that moment, by what is stored. */
export function standing(meter: Meter, state: State | undefined, nowUs: number): unknown {
  const read = new Meter(meter.limit, meter.limit, '');
  const [first = 0, current = 0, previous = 0] = state ?? [];
  if (meter.limit.kind === 'window') read.setCounts({ current, previous, elapsedUs: nowUs - first }, nowUs);
  else read.setAhead(Math.min(first - nowUs, meter.limit.capacity), nowUs);
  return standingOf(read, nowUs);
}

/** The same of a meter that has counted by itself. */
export function standingOf(meter: Meter, nowUs: number): unknown {
  return meter.limit.kind === 'window' ? meter.counts(nowUs) : meter.aheadUs(nowUs);
}

/** Time cannot be moved on a server; but only its distance to the states counts, so these are moved instead. */
export async function rewind(redis: Redis, seconds: number): Promise<void> {
  for (const [key, fields] of await storeOf(redis)) {
    for (const [name, value] of fields) {
      if (name === MARKER) continue;
      const [first = 0, ...counts] = doublesOf(value);
      await redis.hset(key, name, textOf([first - seconds * 1e6, ...counts]));
    }
  }
}

export function doublesOf(value: Buffer): number[] {
  return Array.from({ length: Math.floor(value.length / 8) }, (_, at) => value.readDoubleLE(8 * at));
}

export function textOf(doubles: readonly number[]): Buffer {
  const value = Buffer.alloc(8 * doubles.length);
  doubles.forEach((double, at) => value.writeDoubleLE(double, 8 * at));
  return value;
}
