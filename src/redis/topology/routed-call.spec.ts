import { Command } from 'ioredis';
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import type { Address } from '../dialer.js';
import { RedirectError } from '../redirect.js';
import { RedisUnavailableError } from '../redis.errors.js';
import type { ClusterNodes } from './cluster-nodes.js';
import { LEAST_LEFT_MS, MOST_HOPS, RoutedCall } from './routed-call.js';

const SLOT = 7;
const BUDGET_MS = 400;

/** What a node answers, at once: a value, or an error. */
type Answer = string | Error;

const error = (reason: 'clusterdown' | 'timeout' | 'loading', maybeExecuted = false) =>
  new RedisUnavailableError({ purpose: 'authCache', reason, retryAfterMs: 1000, maybeExecuted });
const moved = (host: string, port = 2) => new RedirectError('moved', SLOT, host, port);
const ask = (host: string, port = 2) => new RedirectError('ask', SLOT, host, port);
const tryAgain = new RedirectError('tryagain', undefined, '', 0);

/** The nodes of a cluster as far as a call sees them; each answers what it was told to. */
class Nodes {
  readonly sent: string[] = [];
  readonly told: string[] = [];
  readonly budgets: number[] = [];
  /** By `host:port`; the last answer holds on. */
  readonly answers = new Map<string, Answer[]>();
  readonly unusable = new Set<string>();
  readonly opening = new Set<string>();
  owner: Address | undefined = { host: 'a', port: 1 };

  forSlot(): unknown {
    return this.owner && this.at(this.owner);
  }

  at(address: Address) {
    if (address.host === 'full') return undefined;
    const name = `${address.host}:${address.port}`;
    const { unusable, opening } = this;
    return {
      client: {
        get usable() {
          return !unusable.has(name);
        },
      },
      get opening() {
        return opening.has(name);
      },
      addresses: [address],
      refusal: () => error('loading'),
      dispatch: (command: Command, how: { budgetMs: number; asking: boolean }) => {
        this.sent.push(`${name}${how.asking ? ' asking' : ''}`);
        this.budgets.push(how.budgetMs);
        const answers = this.answers.get(name) ?? ['OK'];
        const answer = answers.length > 1 ? answers.shift() : answers[0];
        if (answer instanceof Error) command.reject(answer);
        else command.resolve(answer);
      },
    };
  }

  moved(slot: number, to: Address): void {
    this.told.push(`${slot} to ${to.host}:${to.port}`);
    this.owner = to;
  }

  unavailable(): RedisUnavailableError {
    return error('clusterdown');
  }
}

describe('RoutedCall', () => {
  let nodes: Nodes;
  let clock: ManualClock;

  beforeEach(() => {
    nodes = new Nodes();
    clock = new ManualClock();
  });

  /** What became of a call so far. */
  function send(slot: number | undefined = SLOT): { outcome: unknown; settled: number } {
    const command = new Command('get', ['auth:a']);
    const seen = { outcome: undefined as unknown, settled: 0 };
    const settle = (outcome: unknown) => {
      seen.outcome = outcome;
      seen.settled += 1;
    };
    command.resolve = settle;
    command.reject = settle;
    const way = { nodes: nodes as unknown as ClusterNodes, clock, slot, deadlineMs: BUDGET_MS };
    new RoutedCall(command, way).send();
    return seen;
  }

  it('gives the answer of the node that has the slot', () => {
    expect(send()).toEqual({ outcome: 'OK', settled: 1 });
    expect(nodes.sent).toEqual(['a:1']);
    expect(nodes.told).toEqual([]);
  });

  it('goes where MOVED says, and tells the table', () => {
    nodes.answers.set('a:1', [moved('b')]);
    expect(send()).toEqual({ outcome: 'OK', settled: 1 });
    expect(nodes.sent).toEqual(['a:1', 'b:2']);
    expect(nodes.told).toEqual(['7 to b:2']);
  });

  it.each([
    ['without a host', ''],
    ['with a question mark for a host', '?'],
  ])('takes MOVED %s for the host that was asked', (_, host) => {
    nodes.answers.set('a:1', [moved(host, 9)]);
    expect(send()).toEqual({ outcome: 'OK', settled: 1 });
    expect(nodes.sent).toEqual(['a:1', 'a:9']);
    expect(nodes.told).toEqual(['7 to a:9']);
  });

  it('goes where ASK says, says ASKING there, and does not tell the table', () => {
    nodes.answers.set('a:1', [ask('b')]);
    expect(send()).toEqual({ outcome: 'OK', settled: 1 });
    expect(nodes.sent).toEqual(['a:1', 'b:2 asking']);
    expect(nodes.told).toEqual([]);
  });

  it('takes ASK without a host for the host that was asked', () => {
    nodes.answers.set('a:1', [ask('', 9)]);
    expect(send().outcome).toBe('OK');
    expect(nodes.sent).toEqual(['a:1', 'a:9 asking']);
  });

  it('gives a cluster up that moves a slot round and round', () => {
    nodes.answers.set('a:1', [moved('b')]);
    nodes.answers.set('b:2', [moved('a', 1)]);
    const seen = send();
    expect(seen.settled).toBe(1);
    expect(seen.outcome).toMatchObject({ reason: 'clusterdown', maybeExecuted: false });
    expect(nodes.sent).toHaveLength(MOST_HOPS + 1);
  });

  it('gives a cluster up that sends from one ASK to the next', () => {
    nodes.answers.set('a:1', [ask('b')]);
    nodes.answers.set('b:2', [ask('a', 1)]);
    expect(send().outcome).toMatchObject({ reason: 'clusterdown', maybeExecuted: false });
    expect(nodes.sent).toHaveLength(MOST_HOPS + 1);
  });

  it('waits between two tries while the keys are on both sides, until its time is over', () => {
    nodes.answers.set('a:1', [tryAgain]);
    const seen = send();
    expect(nodes.sent).toHaveLength(1);
    clock.advance(BUDGET_MS - LEAST_LEFT_MS);
    expect(seen.settled).toBe(0);
    // More tries than a slot may make hops.
    expect(nodes.sent.length).toBeGreaterThan(MOST_HOPS + 1);
    expect(nodes.sent.length).toBeLessThan(BUDGET_MS / 2);
    clock.advance(20);
    expect(seen.settled).toBe(1);
    expect(seen.outcome).toMatchObject({ reason: 'clusterdown', maybeExecuted: false });
    const tries = nodes.sent.length;
    clock.advance(1000);
    expect(nodes.sent).toHaveLength(tries);
  });

  it('gives the answer as soon as the keys are together again', () => {
    nodes.answers.set('a:1', [tryAgain, tryAgain, 'OK']);
    const seen = send();
    clock.advance(50);
    expect(seen).toEqual({ outcome: 'OK', settled: 1 });
    expect(nodes.sent).toHaveLength(3);
  });

  it.each([
    ['MOVED', moved('b')],
    ['ASK', ask('b')],
  ])('is not sent on by %s when a time-out would be all that could come of it', (_, redirect) => {
    nodes.answers.set('a:1', [redirect]);
    clock.advance(BUDGET_MS - LEAST_LEFT_MS + 1);
    expect(send().outcome).toMatchObject({ reason: 'clusterdown', maybeExecuted: false });
    expect(nodes.sent).toEqual(['a:1']);
  });

  it('is not sent to a node that ASK names beside too many others', () => {
    nodes.answers.set('a:1', [ask('full')]);
    expect(send().outcome).toMatchObject({ reason: 'clusterdown', maybeExecuted: false });
    expect(nodes.sent).toEqual(['a:1']);
  });

  it('gives each try what is left of its time, and enough for an answer', () => {
    nodes.answers.set('a:1', [tryAgain]);
    send();
    clock.advance(BUDGET_MS);
    expect(nodes.budgets[0]).toBe(BUDGET_MS);
    expect(nodes.budgets).toEqual([...nodes.budgets].sort((x, y) => y - x));
    expect(Math.min(...nodes.budgets)).toBeGreaterThanOrEqual(LEAST_LEFT_MS);
  });

  it('follows no redirection when its time is over', () => {
    clock.advance(BUDGET_MS);
    nodes.answers.set('a:1', [moved('b')]);
    expect(send().outcome).toMatchObject({ reason: 'clusterdown', maybeExecuted: false });
    expect(nodes.sent).toEqual(['a:1']);
  });

  it.each([
    ['may have been executed', error('timeout', true)],
    ['was refused', error('loading')],
    ['is wrong', new Error('WRONGTYPE')],
  ])('is not sent twice when it %s', (_, failure) => {
    nodes.answers.set('a:1', [failure]);
    expect(send()).toEqual({ outcome: failure, settled: 1 });
    clock.advance(BUDGET_MS);
    expect(nodes.sent).toEqual(['a:1']);
  });

  it('waits for a node whose first connection is being made', () => {
    nodes.unusable.add('a:1');
    nodes.opening.add('a:1');
    const seen = send();
    clock.advance(BUDGET_MS / 2);
    expect(seen.settled).toBe(0);
    nodes.unusable.clear();
    clock.advance(20);
    expect(seen).toEqual({ outcome: 'OK', settled: 1 });
    expect(nodes.sent).toEqual(['a:1']);
  });

  it('waits for it as long as it has time, and was never sent', () => {
    nodes.unusable.add('a:1');
    nodes.opening.add('a:1');
    const seen = send();
    clock.advance(BUDGET_MS + 20);
    expect(seen.outcome).toMatchObject({ reason: 'loading', maybeExecuted: false });
    expect(nodes.sent).toEqual([]);
  });

  it('does not wait for a node that was lost', () => {
    nodes.unusable.add('a:1');
    expect(send().outcome).toMatchObject({ reason: 'loading', maybeExecuted: false });
    expect(nodes.sent).toEqual([]);
  });

  it('is not sent while nobody has its slot', () => {
    nodes.owner = undefined;
    expect(send().outcome).toMatchObject({ reason: 'clusterdown', maybeExecuted: false });
  });

  it('without a slot goes to any node', () => {
    expect(send(undefined).outcome).toBe('OK');
  });
});
