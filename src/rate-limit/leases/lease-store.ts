import { RedisCommandError, type ScriptClient, TurnBatches } from '../../redis/index.js';
import { limitScript } from '../limit-script.js';
import type { ConcurrentLimit } from './compiled-quota.js';
import type { Lease, Seat } from './lease.js';
import { type Acquired, type Opening, OpeningBatch } from './opening-batch.js';

export type { Acquired } from './opening-batch.js';

const numbers = (reply: unknown): readonly number[] => {
  if (!Array.isArray(reply) || !reply.every(Number.isSafeInteger))
    throw new TypeError('not a list of integers');
  return reply as number[];
};

const acquire = limitScript('acquire-leases', { decode: numbers });
const renew = limitScript('renew-leases', { decode: numbers });
const release = limitScript('release-leases', { decode: (reply) => numbers([reply])[0] as number });

export interface LeaseStoreOptions {
  readonly client: ScriptClient;
  /** Told how many keys held something foreign, when any did. */
  readonly onBroken: (count: number) => void;
  /** Told how many leases had run out: their processes ended without closing them. */
  readonly onExpired: (limit: ConcurrentLimit, count: number) => void;
  /** Told how many leases Redis had lost and has again. */
  readonly onReadded: (limit: ConcurrentLimit, count: number) => void;
}

/**
 * The leases in Redis. Streams that are to be opened within one turn of the event loop are asked for in one script call;
 * whatever else is one call too. The client bounds each in time, and nothing is sent twice.
 */
export class LeaseStore {
  private readonly openings = new TurnBatches<Opening, OpeningBatch>(
    () => new OpeningBatch(),
    (batch) => void this.open(batch),
  );

  constructor(private readonly options: LeaseStoreOptions) {}

  /** @throws RedisUnavailableError, RedisCommandError; the lease may exist then all the same */
  acquire(lease: Lease): Promise<Acquired> {
    return new Promise((resolve, reject) => this.openings.add({ lease, resolve, reject }));
  }

  /** @param leases a few hundred at most, so that Redis is not held up. @throws as `acquire` */
  async renew(leases: readonly Lease[]): Promise<void> {
    const groups = bySubject(leases);
    const args = groups.flatMap(({ leaseMs, ids }) => [leaseMs, ids.length, ...ids]);
    const reply = await renew.run(
      this.options.client,
      groups.map(({ key }) => key),
      args,
    );
    this.assertSize('renew-leases', reply, 1 + 2 * groups.length);
    this.noteBroken(reply[0]);
    for (const [at, { limit }] of groups.entries()) {
      const [readded = 0, expired = 0] = reply.slice(1 + 2 * at);
      if (readded > 0) this.options.onReadded(limit, readded);
      if (expired > 0) this.options.onExpired(limit, expired);
    }
  }

  /** Ends leases; those that are gone already are no fault. @throws as `acquire` */
  async release(leases: readonly Lease[]): Promise<void> {
    const groups = bySubject(leases);
    const args = groups.flatMap(({ ids }) => [ids.length, ...ids]);
    await release.run(
      this.options.client,
      groups.map(({ key }) => key),
      args,
    );
  }

  /** Never rejects: each of those who wait is told. */
  private async open(batch: OpeningBatch): Promise<void> {
    const { client, onExpired } = this.options;
    try {
      const reply = await acquire.run(client, batch.keys, batch.args);
      this.assertSize('acquire-leases', reply, batch.replySize);
      this.noteBroken(reply[0]);
      batch.answer(reply, onExpired);
    } catch (error) {
      batch.fail(error);
    }
  }

  private noteBroken(count = 0): void {
    if (count > 0) this.options.onBroken(count);
  }

  private assertSize(name: string, reply: readonly number[], size: number): void {
    if (reply.length === size) return;
    throw new RedisCommandError('script', name, 'REPLY', 'the answer is not about what was asked');
  }
}

interface Group extends Seat {
  readonly leaseMs: number;
  readonly ids: string[];
}

/** Each key once, with all its leases: a tenant has many streams. */
function bySubject(leases: readonly Lease[]): Group[] {
  const groups = new Map<string, Group>();
  for (const { id, quota, seats } of leases) {
    for (const { key, limit } of seats) {
      const known = groups.get(key);
      if (known) known.ids.push(id);
      else groups.set(key, { key, limit, leaseMs: quota.leaseMs, ids: [id] });
    }
  }
  return [...groups.values()];
}
