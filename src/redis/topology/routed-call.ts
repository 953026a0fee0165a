import type { Command } from 'ioredis';
import type { Clock, Timer } from '../../kernel/time.js';
import { readStreamsCall } from '../commands.js';
import type { Address } from '../dialer.js';
import { RedirectError } from '../redirect.js';
import type { ClusterNode, ClusterNodes } from './cluster-nodes.js';
import { hostOr } from './slot-table.js';

/** Where a call may go, and until when. */
export interface Way {
  readonly nodes: ClusterNodes;
  readonly clock: Clock;
  /** Undefined for a command without a key, which any node can answer. */
  readonly slot: number | undefined;
  readonly deadlineMs: number;
}

/** A read that waits on the server, and that its caller may give up. */
export interface BlockingRead {
  /** When its BLOCK is over, wherever it waits. */
  readonly untilMs: number;
  /** It has its answer or its error. */
  readonly ended: () => void;
}

/** How long to wait before the same node is asked again: its slot is on the way, or its connection. */
export const HOP_PAUSE_MS = 10;

/** A cluster that moves one slot round and round has something wrong with it. */
export const MOST_HOPS = 16;

/** With less left than this a further try would end in a time-out, which says less than "not executed". */
export const LEAST_LEFT_MS = 20;

/** One command and its redirections. Only what was certainly not executed is sent again. */
export class RoutedCall {
  private hops = 0;
  private node: ClusterNode | undefined;
  private tried = false;
  private sent = false;
  private waiting: Timer | undefined;
  private cancelled: Error | undefined;
  private readonly resolve: Command['resolve'];
  private readonly reject: Command['reject'];

  constructor(
    private readonly command: Command,
    private readonly way: Way,
    private readonly blocking?: BlockingRead,
  ) {
    this.resolve = command.resolve;
    this.reject = command.reject;
  }

  send(): void {
    const { nodes, slot } = this.way;
    this.sendTo(nodes.forSlot(slot));
  }

  /** The caller gave it up: it is not sent any more, and where it was sent its connection is cut. */
  cancel(error: Error): void {
    this.cancelled = error;
    if (this.waiting) {
      this.waiting.cancel();
      this.fail(error);
    } else if (this.sent) this.node?.replace();
  }

  private sendTo(node: ClusterNode | undefined, asking = false): void {
    const { command, way, blocking } = this;
    const first = !this.tried;
    this.node = node;
    this.tried = true;
    // A lane puts its own functions in their place for each try.
    command.resolve = blocking ? (value: unknown) => this.succeed(value) : this.resolve;
    command.reject = (error: Error) => this.failed(error);
    const leftMs = way.deadlineMs - way.clock.monotonicMs();
    const enough = first ? leftMs > 0 : leftMs >= LEAST_LEFT_MS;
    if (enough && node?.opening && !node.client.usable) this.later(() => this.sendTo(node, asking));
    else if (node && !node.client.usable) this.fail(node.refusal());
    else if (!node || (!first && !enough)) this.fail(way.nodes.unavailable());
    else if (blocking && !this.shorten(blocking.untilMs)) this.succeed(null);
    else {
      this.sent = true;
      node.dispatch(command, { budgetMs: Math.max(1, leftMs), asking });
    }
  }

  /** Makes a read wait no longer than it was told to at first. @returns false when that time is over */
  private shorten(untilMs: number): boolean {
    const { args } = this.command;
    const leftMs = Math.ceil(untilMs - this.way.clock.monotonicMs());
    const { blockAt, blockMs = 0 } = readStreamsCall(args) ?? {};
    if (blockAt !== undefined && leftMs < blockMs) args[blockAt] = String(leftMs);
    // For the server 0 means for ever.
    return leftMs > 0;
  }

  private failed(error: Error): void {
    const { way } = this;
    this.sent = false;
    if (this.cancelled || !(error instanceof RedirectError)) {
      this.fail(this.cancelled ?? error);
      return;
    }
    if (error.kind !== 'tryagain') this.hops += 1;
    if (this.hops > MOST_HOPS || way.clock.monotonicMs() >= way.deadlineMs)
      this.fail(way.nodes.unavailable());
    else if (error.kind === 'tryagain') this.later(() => this.send());
    else if (error.kind === 'ask') this.sendTo(way.nodes.at(targetOf(error, this.node)), true);
    else {
      if (error.slot !== undefined) way.nodes.moved(error.slot, targetOf(error, this.node));
      this.send();
    }
  }

  private succeed(value: unknown): unknown {
    this.blocking?.ended();
    return this.resolve.call(this.command, value);
  }

  private fail(error: Error): void {
    this.blocking?.ended();
    this.reject.call(this.command, error);
  }

  private later(run: () => void): void {
    this.waiting = this.way.clock.after(HOP_PAUSE_MS, () => {
      this.waiting = undefined;
      run();
    });
  }
}

/** A node that does not know its own host means the one that was asked. */
export function targetOf({ host, port }: RedirectError, asked: ClusterNode | undefined): Address {
  return { host: String(hostOr(host, asked?.addresses[0]?.host ?? '')), port };
}
