import { Command } from 'ioredis';
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import type { Address } from '../dialer.js';
import { RedirectError } from '../redirect.js';
import { RedisAbortedError, RedisUnavailableError } from '../redis.errors.js';
import type { ClusterNodes } from './cluster-nodes.js';
import { HOP_PAUSE_MS, RoutedCall } from './routed-call.js';

const SLOT = 7;
const BLOCK_MS = 4000;
const SILENCE_MS = 1500;
const MOVED = new RedirectError('moved', SLOT, 'b', 2);
const LOST = new RedisUnavailableError({
  purpose: 'billingEvents',
  reason: 'reset',
  retryAfterMs: 1000,
  maybeExecuted: true,
});

/** A read with BLOCK on a cluster; nodes take it and answer when the test says so. */
describe('A blocking read that is routed', () => {
  let clock: ManualClock;
  let owner: Address;
  let opening: boolean;
  let sent: { to: string; block: unknown; budgetMs: number }[];
  let waiting: Command[];
  let replaced: string[];
  let ended: number;
  let outcomes: unknown[];

  beforeEach(() => {
    clock = new ManualClock();
    owner = { host: 'a', port: 1 };
    opening = false;
    sent = [];
    waiting = [];
    replaced = [];
    ended = 0;
    outcomes = [];
  });

  const node = ({ host, port }: Address) => ({
    client: {
      get usable() {
        return !opening;
      },
    },
    get opening() {
      return opening;
    },
    addresses: [{ host, port }],
    refusal: () => LOST,
    replace: () => {
      replaced.push(host);
      waiting.at(-1)?.reject(LOST);
    },
    dispatch: (command: Command, { budgetMs }: { budgetMs: number }) => {
      sent.push({ to: host, block: command.args[4], budgetMs });
      waiting.push(command);
    },
  });

  function read(): RoutedCall {
    const args = ['GROUP', 'BLOCK', 'c', 'BLOCK', BLOCK_MS, 'STREAMS', 'billing:s', '>'];
    const command = new Command('xreadgroup', args);
    command.resolve = (value: unknown) => void outcomes.push(value);
    command.reject = (error: Error) => void outcomes.push(error);
    const nodes = {
      forSlot: () => node(owner),
      moved: (_: number, to: Address) => (owner = to),
      unavailable: () => LOST,
    };
    const untilMs = clock.monotonicMs() + BLOCK_MS;
    const way = {
      nodes: nodes as unknown as ClusterNodes,
      clock,
      slot: SLOT,
      deadlineMs: untilMs + SILENCE_MS,
    };
    const call = new RoutedCall(command, way, { untilMs, ended: () => void (ended += 1) });
    call.send();
    return call;
  }

  it('waits as long as it was told to where it is sent at once', () => {
    read();
    expect(sent.map(({ block }) => Number(block))).toEqual([BLOCK_MS]);
    waiting[0]?.resolve('event');
    expect(outcomes).toEqual(['event']);
    expect(ended).toBe(1);
  });

  it('waits on the next node only for what is left, so that its answer is in time', () => {
    read();
    clock.advance(3000);
    waiting[0]?.reject(MOVED);
    expect(sent[1]).toEqual({ to: 'b', block: '1000', budgetMs: 1000 + SILENCE_MS });
    expect(outcomes).toEqual([]);
  });

  it('has nothing to give when its time is over before it gets to the next node', () => {
    read();
    clock.advance(BLOCK_MS);
    waiting[0]?.reject(MOVED);
    expect(outcomes).toEqual([null]);
    expect(sent).toHaveLength(1);
    expect(ended).toBe(1);
  });

  it('is not sent any more when it is given up while it waits for a node', () => {
    opening = true;
    const call = read();
    clock.advance(5 * HOP_PAUSE_MS);
    const aborted = new RedisAbortedError('billingEvents');
    call.cancel(aborted);
    opening = false;
    clock.advance(BLOCK_MS);
    expect(sent).toEqual([]);
    expect(outcomes).toEqual([aborted]);
    expect(ended).toBe(1);
  });

  it('has its connection cut when it is given up on a node, and that of no other', () => {
    const call = read();
    const aborted = new RedisAbortedError('billingEvents');
    call.cancel(aborted);
    expect(replaced).toEqual(['a']);
    expect(outcomes).toEqual([aborted]);
    expect(ended).toBe(1);
  });

  it('cuts nothing when it has its answer', () => {
    const call = read();
    waiting[0]?.reject(LOST);
    call.cancel(new RedisAbortedError('billingEvents'));
    expect(replaced).toEqual([]);
    expect(outcomes).toEqual([LOST]);
    expect(ended).toBe(1);
  });
});
