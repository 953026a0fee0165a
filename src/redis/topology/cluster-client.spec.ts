import type { Command } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { CommandGuard } from '../command-guard.js';
import { PURPOSES } from '../purposes.js';
import { RedisAbortedError, RedisUnavailableError } from '../redis.errors.js';
import { ClusterClient } from './cluster-client.js';
import type { ClusterNodes } from './cluster-nodes.js';
import { HOP_PAUSE_MS } from './routed-call.js';

/** The blocking lane on a cluster of one node, whose connection is being made until the test says otherwise. */
function blockingLane() {
  const clock = new ManualClock();
  const sent: Command[] = [];
  const node = {
    client: { usable: false },
    opening: true,
    inFlight: 0,
    addresses: [{ host: 'a', port: 1 }],
    dispatch: (command: Command) => void sent.push(command),
  };
  const nodes = { known: true, complete: true, closed: false, inFlight: 0, forSlot: () => node };
  const definition = PURPOSES.billingEvents;
  const client = new ClusterClient(
    {
      purpose: 'billingEvents',
      lane: 'blocking',
      budget: definition.lanes.blocking,
      guard: new CommandGuard('billingEvents', definition, 'blocking', true),
      watcher: { called: () => undefined },
      clock,
    },
    nodes as unknown as ClusterNodes,
  );
  const read = () => client.xread('BLOCK', 1000, 'STREAMS', 'billing:s', '$');
  const stand = () => {
    node.client.usable = true;
    clock.advance(2 * HOP_PAUSE_MS);
  };
  return { client, read, stand, sent };
}

describe('The blocking lane of a cluster', () => {
  it('takes one read at a time, also while the first still waits for its node', async () => {
    const { read, stand, sent } = blockingLane();
    const first = read();
    await expect(read()).rejects.toThrow('already waiting');
    stand();
    expect(sent).toHaveLength(1);
    sent[0]?.resolve(null);
    expect(await first).toBeNull();
    const next = read();
    expect(sent).toHaveLength(2);
    sent[1]?.resolve(null);
    expect(await next).toBeNull();
  });

  it('does not send a read that was given up while it waited for its node, and takes the next one', async () => {
    const { client, read, stand, sent } = blockingLane();
    const abort = new AbortController();
    const reading = client.cancellable(abort.signal, read);
    abort.abort();
    await expect(reading).rejects.toThrow(RedisAbortedError);
    stand();
    expect(sent).toEqual([]);
    const next = read();
    const lost = { purpose: 'billingEvents', reason: 'reset', retryAfterMs: 1, maybeExecuted: true } as const;
    sent[0]?.reject(new RedisUnavailableError(lost));
    await expect(next).rejects.toThrow('reset');
  });
});
