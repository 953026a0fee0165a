import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Clock } from '../kernel/time.js';
import { RedisCommandError, RedisUnavailableError, type ScriptClient } from '../redis/index.js';
import { AckBatches } from './ack-batches.js';
import {
  type ClaimedEntry,
  type GroupPosition,
  buryEntry,
  claimEntries,
  dropConsumers,
  groupPosition,
  readEntries,
  returnEntry,
} from './stream-scripts.js';
import type { Work, WorkSource } from './work-source.js';

/** An entry of a stream, as it lies there. */
export interface StreamWork extends Work {
  /** Names and values in turn; whoever performs it judges whether it is one of ours. */
  readonly fields: readonly Buffer[];
}

export interface StreamGroupOptions {
  /** Of any lane but the blocking one: nothing waits on the server here. */
  readonly client: ScriptClient;
  readonly key: string;
  readonly group: string;
  /** Stream of dead letters; in a cluster in the slot of `key`. */
  readonly deadLetters: string;
  readonly clock: Clock;
  /** What was given and is not settled for so long is another's, milliseconds. Also the longest pause of a retry. */
  readonly leaseMs?: number;
  /** Between two looks at what others have left, milliseconds. Unset: a quarter of the lease. */
  readonly claimEveryMs?: number;
  /** Dead letters that are kept, about. */
  readonly mostDeadLetters?: number;
  /** This process among the consumers; unset: host, process and chance. */
  readonly consumer?: string;
}

/** Where entries lie that were handed back: of no process, so that each process can be forgotten when it ends. */
const ASIDE = 'returned';
const FIRST = '-';
/** Who was given so often and never settled is given to nobody who has others. */
const SUSPECTED_FROM = 2;
const DEFAULT_LEASE_MS = 60_000;
const MOST_DEAD_LETTERS = 100_000;
/** A consumer that holds nothing and was silent for so many leases belongs to a process that has ended. */
const SILENT_LEASES = 10;
/** Beyond this the exact lag says nothing more, and counting it would hold the server up. */
const MOST_COUNTED = 20_000;

/**
 * Entries of a Redis stream as work, through a consumer group: each goes to one process, and to another one when that
 * does not settle it within the lease. The group is made when it is missing, from the first entry on: also after the
 * server lost its data. So work is done at least once, and all of it again after a group was lost.
 */
export class StreamGroup implements WorkSource<StreamWork> {
  readonly isOpen = true;
  readonly leaseMs: number;
  readonly consumer: string;
  private readonly client: ScriptClient;
  private readonly clock: Clock;
  private readonly claimEveryMs: number;
  private readonly acks: AckBatches;
  private claimAtMs = Number.NEGATIVE_INFINITY;
  private claimFrom = FIRST;
  private suspects = false;
  private sweepAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: StreamGroupOptions) {
    this.client = options.client;
    this.acks = new AckBatches(options);
    this.clock = options.clock;
    this.leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
    this.claimEveryMs = options.claimEveryMs ?? this.leaseMs / 4;
    this.consumer = options.consumer ?? consumerName();
  }

  /**
   * Those that others have left first, then new ones. An entry that two processes were given and did not settle is given
   * alone from then on: so it is buried after its deliveries, and no other entry with it.
   */
  async take(most: number, inHand: number): Promise<readonly StreamWork[]> {
    // What is in hand ends first.
    if (this.suspects && inHand > 0) return [];
    const left = await this.claim(most, inHand);
    if (left.length >= most || this.suspects || left[0]?.alone) return left;
    try {
      return [...left, ...(await this.read(most - left.length))];
    } catch (error) {
      // Those were taken, and somebody has to settle them.
      if (left.length > 0) return left;
      throw error;
    }
  }

  done({ id }: StreamWork): Promise<boolean> {
    return this.acks.settle(id);
  }

  /** @param afterMs at most the lease: longer pauses end with it */
  async retry(work: StreamWork, _reason: string, afterMs: number): Promise<boolean> {
    const pauseMs = Math.min(Math.max(0, Math.ceil(afterMs)), this.leaseMs);
    const kept = await this.return(work, { to: this.consumer, pauseMs, deliveries: work.attempts });
    this.claimAtMs = Math.min(this.claimAtMs, this.clock.monotonicMs() + pauseMs);
    return kept;
  }

  giveUp(work: StreamWork, reason: string): Promise<boolean> {
    const { key, deadLetters, group, mostDeadLetters = MOST_DEAD_LETTERS } = this.options;
    const { id, attempts } = work;
    return buryEntry.run(
      this.client,
      [key, deadLetters],
      [group, this.consumer, id, attempts, reason, mostDeadLetters],
    );
  }

  async giveBack(work: StreamWork): Promise<boolean> {
    const given = await this.return(work, { to: ASIDE, pauseMs: 0, deliveries: work.attempts - 1 });
    this.claimAtMs = Number.NEGATIVE_INFINITY;
    return given;
  }

  /** Entries have no age at which they are given up: attempts alone count. */
  isTooOld(): Promise<boolean> {
    return Promise.resolve(false);
  }

  isOutage(error: unknown): boolean {
    return error instanceof RedisUnavailableError;
  }

  /** Forgets this process among the consumers, unless it still holds something. */
  async close(): Promise<void> {
    await this.drop(0, this.consumer);
  }

  /** @throws RedisUnavailableError */
  position(): Promise<GroupPosition> {
    const { key, group } = this.options;
    return groupPosition.run(this.client, [key], [group, MOST_COUNTED]);
  }

  private async claim(most: number, inHand: number): Promise<readonly StreamWork[]> {
    if (!this.suspects && this.clock.monotonicMs() < this.claimAtMs) return [];
    const { key, group } = this.options;
    const { leaseMs, consumer, claimFrom } = this;
    const free = inHand === 0 ? 1 : 0;
    const { next, alone, suspects, entries } = await this.withGroup(() =>
      claimEntries.run(this.client, [key], [group, consumer, leaseMs, claimFrom, most, SUSPECTED_FROM, free]),
    );
    this.claimFrom = next;
    this.suspects = suspects;
    // There may be more of them: the next page, or the next that is given alone, at the next look.
    const nothingMore = next === FIRST && !alone && !suspects;
    if (nothingMore) this.claimAtMs = this.clock.monotonicMs() + this.claimEveryMs;
    await this.sweep();
    return entries.map((entry) => workOf(entry, alone));
  }

  private async read(most: number): Promise<readonly StreamWork[]> {
    const { key, group } = this.options;
    const words = ['GROUP', group, this.consumer, 'COUNT', most, 'STREAMS', key, '>'];
    const reply = await this.withGroup(() => this.client.callBuffer('xreadgroup', ...words));
    return readEntries(reply).map((entry) => workOf(entry, false));
  }

  /** Makes the group where the server does not know it (any more). */
  private async withGroup<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!isNoGroup(error)) throw error;
      await this.create();
      return ask();
    }
  }

  private async create(): Promise<void> {
    const { key, group } = this.options;
    this.claimFrom = FIRST;
    try {
      await this.client.callBuffer('xgroup', 'CREATE', key, group, '0', 'MKSTREAM');
    } catch (error) {
      // Another process was faster.
      if (!(error instanceof RedisCommandError && error.serverCode === 'BUSYGROUP')) throw error;
    }
  }

  private return(work: StreamWork, { to, pauseMs, deliveries }: Return): Promise<boolean> {
    const { key, group } = this.options;
    const { id, attempts } = work;
    const idleMs = this.leaseMs - pauseMs;
    return returnEntry.run(this.client, [key], [group, this.consumer, id, attempts, to, idleMs, deliveries]);
  }

  private async sweep(): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    if (nowMs < this.sweepAtMs) return;
    this.sweepAtMs = nowMs + this.leaseMs;
    await this.drop(this.leaseMs * SILENT_LEASES, '');
  }

  private drop(silentMs: number, consumer: string): Promise<number> {
    const { key, group } = this.options;
    return dropConsumers.run(this.client, [key], [group, silentMs, consumer]);
  }
}

interface Return {
  readonly to: string;
  readonly pauseMs: number;
  readonly deliveries: number;
}

function workOf({ id, deliveries, fields }: ClaimedEntry, alone: boolean): StreamWork {
  return { id, attempts: deliveries, fields, alone };
}

/** The code is the server's; inside a script older servers put another one before it. */
function isNoGroup(error: unknown): boolean {
  return (
    error instanceof RedisCommandError &&
    (error.serverCode === 'NOGROUP' || error.message.includes('NOGROUP'))
  );
}

function consumerName(): string {
  const host = hostname().replaceAll(/[^\w.-]/g, '');
  return `${host}-${process.pid}-${randomBytes(6).toString('hex')}`;
}
