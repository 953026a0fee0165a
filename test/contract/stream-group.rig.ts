import { systemClock } from '../../src/kernel/time.js';
import {
  type Outcome,
  QueueWorker,
  type QueueWorkerOptions,
  StreamGroup,
  type StreamGroupOptions,
  type StreamWork,
} from '../../src/queue/index.js';
import type { PurposeRedis } from '../../src/redis/index.js';
import { type Compartments, openCompartments } from '../support/compartments.js';
import { waitFor } from '../support/wait-for.js';
import type { ContractEngine } from './support/engine.js';

export const KEY = 'billing:{q}:log';
export const DEAD = 'billing:{q}:dlq';
export const GROUP = 'workers';

type Redis = PurposeRedis<'billingEvents'>;
type WorkerOptions = Partial<QueueWorkerOptions<StreamWork>>;

export interface DeadLetter {
  readonly entry: string;
  readonly reason: string;
  readonly deliveries: string;
  readonly n: string | undefined;
}

/** A stream, its group and workers on it, through the client that a feature has. */
export class QueueRig {
  readonly outcomes: Outcome[] = [];
  private readonly workers: QueueWorker<StreamWork>[] = [];

  private constructor(
    private readonly engine: ContractEngine,
    private readonly house: Compartments,
    readonly client: Redis,
  ) {}

  static async open(engine: ContractEngine): Promise<QueueRig> {
    const env = {
      BILLING_EVENTS_REDIS_URL: `redis://${engine.host}:${engine.port}`,
      BILLING_EVENTS_REDIS_BULK_MS: '20s',
    };
    const house = await openCompartments(['billingEvents'], env);
    return new QueueRig(engine, house, house.lane('billingEvents', 'bulk'));
  }

  group(more: Partial<StreamGroupOptions> = {}): StreamGroup {
    const { client } = this;
    const lease = { leaseMs: 60_000, claimEveryMs: 20 };
    return new StreamGroup({
      client,
      key: KEY,
      group: GROUP,
      deadLetters: DEAD,
      clock: systemClock,
      ...lease,
      ...more,
    });
  }

  /** As another process has it that has died: nothing settles what it took. */
  async taken(count: number, consumer = 'dead'): Promise<readonly StreamWork[]> {
    return this.group({ consumer }).take(count, 0);
  }

  worker(
    perform: QueueWorkerOptions<StreamWork>['perform'],
    more: WorkerOptions = {},
    group: Partial<StreamGroupOptions> = {},
  ): QueueWorker<StreamWork> {
    const worker = new QueueWorker({
      name: 'test',
      source: this.group(group),
      perform,
      clock: systemClock,
      pollMs: 20,
      maxAttempts: 5,
      backOff: { firstMs: 1, mostMs: 1 },
      onSettled: (outcome) => this.outcomes.push(outcome),
      ...more,
    });
    this.workers.push(worker);
    worker.start();
    return worker;
  }

  async add(count: number, from = 0): Promise<string[]> {
    const names = Array.from({ length: count }, (_, index) => String(from + index));
    for (const n of names) await this.client.xadd(KEY, '*', 'n', n);
    return names;
  }

  async pending(): Promise<number> {
    return (await this.group().position()).pending;
  }

  /** Everything was given and settled. */
  idle(timeoutMs = 15_000): Promise<unknown> {
    const done = async () => {
      const { lag, pending } = await this.group().position();
      return lag + pending === 0;
    };
    return waitFor(done, { what: 'the group to be done', timeoutMs });
  }

  async dead(): Promise<DeadLetter[]> {
    const letters = await this.client.xrange(DEAD, '-', '+');
    return letters.map(([, fields]) => {
      const pairs = fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1]]] : []));
      return Object.fromEntries(pairs) as DeadLetter;
    });
  }

  /** Names of the consumers. */
  async consumers(): Promise<string[]> {
    const rows = (await this.engine.redis.call('XINFO', 'CONSUMERS', KEY, GROUP)) as unknown[];
    return rows.map((row) =>
      String(Array.isArray(row) ? (row as unknown[])[1] : Reflect.get(Object(row), 'name')),
    );
  }

  /** Ends the workers of a case. */
  async rest(): Promise<void> {
    this.outcomes.length = 0;
    await Promise.all(this.workers.splice(0).map((worker) => worker.stop(0)));
  }

  close(): Promise<void> {
    return this.house.close();
  }
}

/** What was added as `n`. */
export function nameOf({ fields }: StreamWork): string {
  return fields[1]?.toString() ?? '';
}
