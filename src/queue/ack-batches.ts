import { AsyncResource } from 'node:async_hooks';
import { type Settler, settled } from '../kernel/settler.js';
import { type Batch, RedisCommandError, type ScriptClient, TurnBatches } from '../redis/index.js';
import { ackEntries } from './stream-scripts.js';

interface Ack {
  readonly id: string;
  /** Told whether the group still held it. */
  readonly settler: Settler<boolean>;
}

export interface AckBatchesOptions {
  readonly client: ScriptClient;
  readonly key: string;
  readonly group: string;
}

const MOST_AT_ONCE = 100;

class AckBatch implements Batch<Ack> {
  readonly acks: Ack[] = [];

  get isFull(): boolean {
    return this.acks.length >= MOST_AT_ONCE;
  }

  hasRoomFor(): boolean {
    return true;
  }

  add(ack: Ack): void {
    this.acks.push(ack);
  }
}

/** Settles entries of a group. What is done within one turn of the event loop is said in one call. */
export class AckBatches {
  private readonly batches = new TurnBatches<Ack, AckBatch>(
    () => new AckBatch(),
    ({ acks }) => this.outside.runInAsyncScope(() => void this.run(acks)),
  );
  /** A batch is no single request's: what is logged of it would be told of whichever came first. */
  private readonly outside = new AsyncResource('AckBatches');

  constructor(private readonly options: AckBatchesOptions) {}

  /** @returns whether the group still held it. @throws RedisUnavailableError, RedisCommandError */
  settle(id: string): Promise<boolean> {
    return settled((settler) => this.batches.add({ id, settler }));
  }

  /** Never rejects: each of those who wait is told. */
  private async run(acks: readonly Ack[]): Promise<void> {
    const { client, key, group } = this.options;
    try {
      const held = await ackEntries.run(client, [key], [group, ...acks.map(({ id }) => id)]);
      if (held.length !== acks.length)
        throw new RedisCommandError('queue', 'ack-entries', 'REPLY', 'not one answer for each entry');
      for (const [at, { settler }] of acks.entries()) settler.resolve(held[at] ?? false);
    } catch (error) {
      for (const { settler } of acks) settler.reject(error);
    }
  }
}
