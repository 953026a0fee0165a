import { Command } from 'ioredis';
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import type { Address } from '../dialer.js';
import { RedirectError } from '../redirect.js';
import { RedisUnavailableError } from '../redis.errors.js';
import type { ClusterNodes } from './cluster-nodes.js';
import { HOP_PAUSE_MS, LEAST_LEFT_MS, MOST_HOPS } from './routed-call.js';
import { RoutedTransaction } from './routed-transaction.js';

const SLOT = 7;
const BUDGET_MS = 400;

type Answer = unknown;

const unavailable = (reason: 'clusterdown' | 'timeout', maybeExecuted = false) =>
  new RedisUnavailableError({ purpose: 'authCache', reason, retryAfterMs: 1000, maybeExecuted });
const moved = (host: string, port: number) => new RedirectError('moved', SLOT, host, port);
const TRY_AGAIN = new RedirectError('tryagain', undefined, '', 0);
const ABORTED = new Error('EXECABORT');
const DONE: readonly Answer[] = ['OK', 'QUEUED', 'QUEUED', ['OK', '1']];

/** MULTI, SET, GET and EXEC on nodes that answer each of them what they were told to. */
describe('RoutedTransaction', () => {
  let clock: ManualClock;
  let owner: Address | undefined;
  /** Answers of one attempt after the other, by `host:port`; the last ones hold on. */
  let script: Map<string, (readonly Answer[])[]>;
  let usable: boolean;
  let opening: boolean;
  let attempts: string[];
  let told: string[];

  beforeEach(() => {
    clock = new ManualClock();
    owner = { host: 'a', port: 1 };
    script = new Map();
    usable = true;
    opening = false;
    attempts = [];
    told = [];
  });

  function nodeAt(address: Address) {
    const name = `${address.host}:${address.port}`;
    let answers: readonly Answer[] = [];
    return {
      client: { usable },
      opening,
      addresses: [address],
      dispatch: (command: Command) => {
        if (command.name === 'multi') {
          attempts.push(name);
          const lines = script.get(name) ?? [DONE];
          answers = (lines.length > 1 ? lines.shift() : lines[0]) ?? [];
        }
        const [answer, ...rest] = answers;
        answers = rest;
        if (answer instanceof Error) command.reject(answer);
        else command.resolve(answer);
      },
    };
  }

  /** What each of the four was told, in the order of the telling. */
  function send(): { name: string; outcome: unknown }[] {
    const heard: { name: string; outcome: unknown }[] = [];
    const commands = ['multi', 'set', 'get', 'exec'].map((name) => {
      const command = new Command(name, []);
      const settle = (outcome: unknown) => void heard.push({ name, outcome });
      command.resolve = settle;
      command.reject = settle;
      return command;
    });
    const nodes = {
      forSlot: () => owner && nodeAt(owner),
      moved: (slot: number, to: Address) => {
        told.push(`${slot} to ${to.host}:${to.port}`);
        owner = to;
      },
      unavailable: () => unavailable('clusterdown'),
    };
    const way = { nodes: nodes as unknown as ClusterNodes, clock, slot: SLOT, deadlineMs: BUDGET_MS };
    new RoutedTransaction(commands, way).send();
    return heard;
  }

  const expectAll = (heard: { outcome: unknown }[], expected: object) => {
    expect(heard).toHaveLength(4);
    for (const { outcome } of heard) expect(outcome).toMatchObject(expected);
  };

  it('gives each command its own answer, in their order', () => {
    expect(send()).toEqual([
      { name: 'multi', outcome: 'OK' },
      { name: 'set', outcome: 'QUEUED' },
      { name: 'get', outcome: 'QUEUED' },
      { name: 'exec', outcome: ['OK', '1'] },
    ]);
  });

  it.each<[title: string, first: readonly Answer[]]>([
    ['a queued command', ['OK', moved('b', 2), moved('b', 2), ABORTED]],
    ['the last queued command', ['OK', 'QUEUED', moved('b', 2), ABORTED]],
    ['EXEC', ['OK', 'QUEUED', 'QUEUED', moved('b', 2)]],
  ])('is sent anew as a whole when %s was moved, and tells its callers once', (_, first) => {
    script.set('a:1', [first]);
    const heard = send();
    expect(heard.map(({ outcome }) => outcome)).toEqual(DONE);
    expect(attempts).toEqual(['a:1', 'b:2']);
    expect(told).toEqual(['7 to b:2']);
  });

  it('takes a move without a host for the host that was asked', () => {
    script.set('a:1', [['OK', moved('', 9), 'QUEUED', ABORTED]]);
    expect(send().map(({ outcome }) => outcome)).toEqual(DONE);
    expect(attempts).toEqual(['a:1', 'a:9']);
  });

  it.each([
    ['ASK', new RedirectError('ask', SLOT, 'b', 2)],
    ['TRYAGAIN', TRY_AGAIN],
  ])('waits where it is when it was told %s, since the whole cannot go over by halves', (_, redirect) => {
    script.set('a:1', [['OK', redirect, 'QUEUED', ABORTED], DONE]);
    const heard = send();
    expect(heard).toEqual([]);
    clock.advance(HOP_PAUSE_MS);
    expect(heard.map(({ outcome }) => outcome)).toEqual(DONE);
    expect(attempts).toEqual(['a:1', 'a:1']);
    expect(told).toEqual([]);
  });

  it('waits so until its time is over, and was certainly not executed', () => {
    script.set('a:1', [['OK', TRY_AGAIN, TRY_AGAIN, ABORTED]]);
    const heard = send();
    clock.advance(BUDGET_MS - LEAST_LEFT_MS);
    expect(heard).toEqual([]);
    expect(attempts.length).toBeGreaterThan(MOST_HOPS + 1);
    clock.advance(2 * HOP_PAUSE_MS);
    expectAll(heard, { reason: 'clusterdown', maybeExecuted: false });
    const tries = attempts.length;
    clock.advance(1000);
    expect(attempts).toHaveLength(tries);
  });

  it('gives a cluster up that moves a slot round and round', () => {
    script.set('a:1', [['OK', moved('b', 2), 'QUEUED', ABORTED]]);
    script.set('b:2', [['OK', moved('a', 1), 'QUEUED', ABORTED]]);
    expectAll(send(), { reason: 'clusterdown', maybeExecuted: false });
    expect(attempts).toHaveLength(MOST_HOPS + 1);
  });

  it('hands on what was wrong with a command, and is not sent again', () => {
    const wrong = new Error('ERR wrong number of arguments');
    script.set('a:1', [['OK', wrong, 'QUEUED', ABORTED]]);
    expect(send().map(({ outcome }) => outcome)).toEqual(['OK', wrong, 'QUEUED', ABORTED]);
    expect(attempts).toEqual(['a:1']);
  });

  it('is not sent again when it may have been executed', () => {
    const lost = unavailable('timeout', true);
    script.set('a:1', [['OK', 'QUEUED', 'QUEUED', lost]]);
    expect(send().at(-1)?.outcome).toBe(lost);
    clock.advance(BUDGET_MS);
    expect(attempts).toEqual(['a:1']);
  });

  it('waits for a node whose first connection is being made', () => {
    usable = false;
    opening = true;
    const heard = send();
    clock.advance(5 * HOP_PAUSE_MS);
    expect(attempts).toEqual([]);
    usable = true;
    clock.advance(HOP_PAUSE_MS);
    expect(heard.map(({ outcome }) => outcome)).toEqual(DONE);
  });

  it('is not sent while nobody has its slot', () => {
    owner = undefined;
    expectAll(send(), { reason: 'clusterdown', maybeExecuted: false });
    expect(attempts).toEqual([]);
  });
});
