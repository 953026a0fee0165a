import { setImmediate as turn } from 'node:timers/promises';
import type { BuiltInPurpose } from '../../../src/redis/index.js';
import { PURPOSE_NAMES, type RotationRig } from './rig.js';

/** Calls that never stop, on every lane of every purpose. */
export interface Load {
  readonly calls: number;
  /** What failed, as a person would read it. */
  readonly failures: readonly string[];
  /** Resolves when every call has ended. */
  stop(): Promise<void>;
}

/** Together with bulk and blocking lane and transactions: 51 calls at any moment. */
const CALLERS_PER_PURPOSE = 12;

const KEYS: Readonly<Record<BuiltInPurpose, string>> = {
  rateLimit: 'rl:load',
  authCache: 'auth:load',
  securityTokens: 'st:load',
  billingEvents: 'billing:load',
};

export function startLoad(rig: RotationRig): Load {
  const load = { calls: 0, failures: [] as string[], going: true };
  const repeat = async (name: string, call: (n: number) => Promise<unknown>): Promise<void> => {
    for (let n = 0; load.going; n += 1) {
      load.calls += 1;
      try {
        await call(n);
      } catch (error) {
        load.failures.push(`${name}: ${String(error)}`);
        // A call that is refused at once takes no turn of the event loop, and nothing would ever come back.
        await turn();
      }
    }
  };
  const commands = PURPOSE_NAMES.flatMap((purpose) => {
    const client = rig.client(purpose);
    return Array.from({ length: CALLERS_PER_PURPOSE }, (_, caller) =>
      repeat(purpose, async (n) => {
        const key = `${KEYS[purpose]}:${caller}`;
        // An answer that belongs to another call, as an AUTH in the wrong place would bring, is a failure, too.
        if (n % 2 === 0) await client.set(key, String(n));
        else if ((await client.get(key)) !== String(n - 1)) throw new Error('another answer');
      }),
    );
  });
  const stream = `${KEYS.billingEvents}:stream`;
  const blocking = repeat('blocking', () => rig.blocking().xread('BLOCK', 100, 'STREAMS', stream, '$'));
  const bulk = repeat('bulk', () => rig.bulk().xrange(stream, '-', '+', 'COUNT', 10));
  const transaction = repeat('transaction', async (n) => {
    const key = `${KEYS.billingEvents}:exec`;
    const replies = await rig.transacting().multi().set(key, String(n)).get(key).exec();
    if (replies?.[1]?.[1] !== String(n)) throw new Error('another answer');
  });
  const all = [...commands, blocking, bulk, transaction];
  return {
    get calls() {
      return load.calls;
    },
    failures: load.failures,
    stop: async () => {
      load.going = false;
      await Promise.all(all);
    },
  };
}
