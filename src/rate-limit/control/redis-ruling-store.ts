import { RedisCommandError, type ScriptClient } from '../../redis/index.js';
import { limitScript } from '../limit-script.js';
import { readMember } from './blocked-subject.js';
import {
  type ChangeResult,
  LONGEST_BLOCK_MS,
  LONGEST_TEXT,
  MOST_BLOCKS,
  MOST_OVERRIDES,
  type RulingChange,
  type RulingStore,
  type StoredRulings,
} from './ruling-store.js';

/**
 * Version and overrides live on for this long after the last change or heartbeat of any instance. No key is without an
 * end, and no ruling ends by itself while anything runs.
 */
export const RULINGS_LIFE_MS = 90 * 86_400_000;

/** The keys that operators' rulings are kept under. */
export function rulingKeys(prefix: string): readonly [version: string, blocked: string, overrides: string] {
  return [`${prefix}:version`, `${prefix}:blocked`, `${prefix}:overrides`];
}

/** One page of blocks, and with the first one everything else. */
interface Page extends StoredRulings {
  readonly broken: number;
  /** 1 where there is more to read. */
  readonly rest: number;
  /** Moment of the first page by the server's clock, milliseconds. */
  readonly sinceMs: number;
}

/** Blocks that are read in one call: a millisecond of the server's time. */
const PAGE = 1_000;
/** What others wrote takes the place of none of ours until there is this many times as much as there may be of ours. */
const LOOKED_THROUGH = 10;

interface Changed extends ChangeResult {
  readonly broken: number;
}

const load = limitScript('load-rulings', { decode: decodePage });
const change = limitScript('change-rulings', { decode: decodeChanged });

export interface RulingClient extends ScriptClient {
  get(key: string): Promise<string | null>;
}

export interface RedisRulingStoreOptions {
  readonly client: RulingClient;
  /** With the hash tag that keeps everything in one slot: `rl:{g}`. */
  readonly prefix: string;
  /** Told how many keys or entries held something foreign, when any did. */
  readonly onBroken: (count: number) => void;
}

/** Rulings in Redis, for all instances. Every call is one round trip, bounded by the client; nothing is sent twice. */
export class RedisRulingStore implements RulingStore {
  private readonly keys: ReturnType<typeof rulingKeys>;

  constructor(private readonly options: RedisRulingStoreOptions) {
    this.keys = rulingKeys(options.prefix);
  }

  /**
   * In pages, so that no call holds up the server or this process. What changes in between has another version than
   * the first page, which is the one that counts: it will be seen to be out of date.
   */
  async load(): Promise<StoredRulings> {
    const blocks = new Map<string, number>();
    const first = await this.page(0, 0);
    this.take(first, blocks);
    for (let { rest } = first, at = PAGE; rest > 0 && at < LOOKED_THROUGH * MOST_BLOCKS; at += PAGE) {
      const page = await this.page(at, first.sinceMs);
      this.take(page, blocks);
      rest = page.rest;
    }
    return { version: first.version, blocks, overrides: first.overrides };
  }

  async change(one: RulingChange): Promise<ChangeResult> {
    const args = [RULINGS_LIFE_MS, LONGEST_BLOCK_MS, ...argumentsOf(one)];
    const changed = await change.run(this.options.client, this.keys, args);
    this.noteBroken(changed.broken);
    return changed;
  }

  async version(): Promise<number> {
    try {
      return versionOf(await this.options.client.get(this.keys[0]));
    } catch (error) {
      // The key holds something else than a text.
      if (error instanceof RedisCommandError && error.serverCode === 'WRONGTYPE') return 0;
      throw error;
    }
  }

  /** Of those that can be read, as many as there may be: every instance holds them in memory. */
  private take({ blocks }: Page, into: Map<string, number>): void {
    let foreign = 0;
    for (const [member, leftMs] of blocks) {
      if (readMember(member) && into.size < MOST_BLOCKS) into.set(member, leftMs);
      else foreign += 1;
    }
    this.noteBroken(foreign);
  }

  private async page(at: number, sinceMs: number): Promise<Page> {
    const bounds = [at, PAGE, LONGEST_BLOCK_MS, LOOKED_THROUGH * MOST_OVERRIDES, LONGEST_TEXT, sinceMs];
    const page = await load.run(this.options.client, this.keys, bounds);
    this.noteBroken(page.broken);
    return page;
  }

  private noteBroken(count: number): void {
    if (count > 0) this.options.onBroken(count);
  }
}

/** As the scripts read it: what is no version counts as none. */
function versionOf(text: string | null): number {
  const version = Number(text ?? '0');
  return Number.isSafeInteger(version) && version >= 0 ? version : 0;
}

function argumentsOf(one: RulingChange): (string | number)[] {
  switch (one.kind) {
    case 'block':
      return ['block', MOST_BLOCKS, one.forMs, one.member];
    case 'unblock':
      return ['unblock', ...one.members];
    case 'override':
      return ['override', MOST_OVERRIDES, one.field, one.value];
    case 'lift':
      return ['lift', one.field];
  }
}

const OUTCOMES = { 1: 'changed', 0: 'nothing', [-1]: 'full' } as const;

function decodeChanged(reply: unknown): Changed {
  const [outcome, before, after, broken] = integers(reply, 4);
  const name = OUTCOMES[outcome as keyof typeof OUTCOMES];
  if (name === undefined || before === undefined || after === undefined || broken === undefined)
    throw new TypeError('change-rulings.lua answers an outcome and two versions');
  return { outcome: name, before, after, broken };
}

function decodePage(reply: unknown): Page {
  if (!Array.isArray(reply) || reply.length !== 6) throw new TypeError('load-rulings.lua answers six parts');
  const [version = 0, broken = 0, rest = 0, sinceMs = 0] = integers(reply.slice(0, 4), 4);
  const [blocks, overrides] = [pairs(reply[4], 'number'), pairs(reply[5], 'string')];
  return { version, broken, rest, sinceMs, blocks, overrides };
}

function integers(reply: unknown, count: number): readonly number[] {
  if (!Array.isArray(reply) || reply.length !== count || !reply.every(Number.isSafeInteger))
    throw new TypeError(`the script answers ${count} integers`);
  return reply as number[];
}

interface PairValue {
  number: number;
  string: string;
}

function pairs<T extends keyof PairValue>(reply: unknown, type: T): Map<string, PairValue[T]> {
  if (!Array.isArray(reply) || reply.length % 2 !== 0) throw new TypeError('the script answers pairs');
  const items = reply as readonly unknown[];
  const found = new Map<string, PairValue[T]>();
  for (let at = 0; at < items.length; at += 2) {
    const [key, value] = [items[at], items[at + 1]];
    if (typeof key !== 'string' || typeof value !== type) throw new TypeError('the script answers pairs');
    found.set(key, value as PairValue[T]);
  }
  return found;
}
