import { Command, Redis } from 'ioredis';
import type { Clock } from '../kernel/time.js';
import { FlightDeck } from './flight-deck.js';
import { LaneClient, type LaneClientOptions, type LaneParts } from './lane-client.js';
import { LaneGate } from './lane-gate.js';
import type { UnavailableReason } from './redis.errors.js';
import { filterEveryStream } from './reply-filter.js';
import { WriteBatch } from './write-batch.js';

/** A lane as its owner has it: the client to hand out, and the control that never is. */
export interface OpenedLane {
  readonly client: LaneClient;
  readonly control: LaneControl;
}

export function createLane(options: LaneClientOptions): OpenedLane {
  const { purpose, clock, budget, watcher } = options;
  const deck = new FlightDeck(clock, budget.silenceMs, {
    stalled: () => watcher.stalled(true),
    flowing: () => watcher.stalled(false),
    silent: () => control.drop('timeout'),
  });
  const parts: LaneParts = {
    gate: new LaneGate(purpose),
    batch: new WriteBatch(),
    deck,
    sentMs: 0,
    receivedMs: 0,
    commit: undefined,
    dispatch: noop,
  };
  const client = new LaneClient(options, parts);
  filterEveryStream(client, {
    pending: () => client.commandQueue.length,
    received: () => (parts.receivedMs = clock.monotonicMs()),
    violated: (detail) => {
      watcher.violated(detail);
      control.drop('protocol');
    },
  });
  const control = new LaneControl(client, parts, clock);
  return { client, control };
}

/**
 * What the owner of a lane does with its connection, past guard and gate. A feature holds the client only, so
 * it can neither send a command of this kind nor end the connection under its neighbours.
 */
export class LaneControl {
  constructor(
    private readonly client: LaneClient,
    private readonly parts: LaneParts,
    private readonly clock: Clock,
  ) {}

  get gate(): LaneGate {
    return this.parts.gate;
  }

  /** Keeps callers off until the next proof, and forgets what the lost connection owed. */
  shut(reason: UnavailableReason): void {
    this.parts.gate.shut(reason);
    this.parts.batch.discard();
    this.parts.commit?.lost(reason);
    this.parts.deck.clear();
  }

  /** Ends the connection at once; the next one is made by itself. */
  drop(reason: UnavailableReason): void {
    this.parts.gate.losing(reason);
    this.client.stream?.destroy();
  }

  /** Sends a command that has been judged already. With `asking`, to a node that is just getting its slot. */
  dispatch(command: Command, { budgetMs, asking }: { budgetMs?: number; asking?: boolean }): void {
    // Written directly before the command, whose batch the raw call has emptied.
    if (asking) this.raw('ASKING').catch(noop);
    this.parts.dispatch(command, budgetMs);
  }

  /** One command of our own; bounded by the caller. */
  raw(name: string, ...args: string[]): Promise<unknown> {
    const command = new Command(name, args, { replyEncoding: 'utf8' });
    this.parts.batch.flushTo(this.client.stream);
    try {
      return Redis.prototype.sendCommand.call(this.client, command) as Promise<unknown>;
    } finally {
      // Written by now; the library would show the password in errors and traces.
      command.args.fill('?');
    }
  }

  /** Says goodbye within `deadlineMs`, then ends the connection whatever the server does. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    const { client, clock } = this;
    this.gate.closing = true;
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
    if (client.status === 'ready' && deadlineMs > 0) {
      const deadline = new Promise<void>((resolve) => clock.after(deadlineMs, resolve));
      await Promise.race([this.raw('QUIT').then(noop, noop), deadline]);
    }
    if (client.status !== 'end') {
      client.disconnect();
      client.stream?.destroy();
      // A lane that waits for its next attempt has no socket and emits no end.
      await Promise.race([ended, new Promise((resolve) => setImmediate(resolve))]);
    }
    this.shut('reset');
  }
}

function noop(): void {}
