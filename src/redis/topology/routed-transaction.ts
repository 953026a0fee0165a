import type { Command } from 'ioredis';
import { RedirectError } from '../redirect.js';
import type { ClusterNode } from './cluster-nodes.js';
import { HOP_PAUSE_MS, LEAST_LEFT_MS, MOST_HOPS, type Way, targetOf } from './routed-call.js';

type Outcome = { readonly value: unknown } | { readonly error: Error };

/**
 * A MULTI, its commands and its EXEC on the node that has their slot. What each was answered is kept back until
 * EXEC was: one redirection among them means that nothing of it was executed, and all of it is sent anew.
 */
export class RoutedTransaction {
  private hops = 0;
  private tried = false;
  private node: ClusterNode | undefined;
  private readonly callers: readonly Pick<Command, 'resolve' | 'reject'>[];

  constructor(
    private readonly commands: readonly Command[],
    private readonly way: Way,
  ) {
    this.callers = commands.map(({ resolve, reject }) => ({ resolve, reject }));
  }

  send(): void {
    const { nodes, slot, clock, deadlineMs } = this.way;
    const node = nodes.forSlot(slot);
    const outcomes: Outcome[] = [];
    this.node = node;
    const leftMs = deadlineMs - clock.monotonicMs();
    if (!node?.client.usable && node?.opening && leftMs > 0) {
      clock.after(HOP_PAUSE_MS, () => this.send());
      return;
    }
    if (this.tried && leftMs < LEAST_LEFT_MS) {
      this.deliver(this.commands.map(() => ({ error: nodes.unavailable() })));
      return;
    }
    this.tried = true;
    let open = this.commands.length;
    const told = (index: number, outcome: Outcome) => {
      outcomes[index] = outcome;
      open -= 1;
      if (open === 0) this.judge(outcomes);
    };
    this.commands.forEach((command, index) => {
      command.resolve = (value: unknown) => told(index, { value });
      command.reject = (error: Error) => told(index, { error });
      if (node) node.dispatch(command, { budgetMs: Math.max(1, leftMs) });
      else command.reject(nodes.unavailable());
    });
  }

  private judge(outcomes: readonly Outcome[]): void {
    const { nodes, clock, deadlineMs } = this.way;
    const redirect = outcomes.map(errorOf).find((error) => error instanceof RedirectError);
    if (!redirect) {
      this.deliver(outcomes);
      return;
    }
    if (redirect.kind === 'moved') this.hops += 1;
    if (this.hops > MOST_HOPS || clock.monotonicMs() >= deadlineMs) {
      this.deliver(outcomes.map(() => ({ error: nodes.unavailable() })));
      return;
    }
    if (redirect.kind === 'moved') {
      if (redirect.slot !== undefined) nodes.moved(redirect.slot, targetOf(redirect, this.node));
      this.send();
      // A transaction cannot be asked of the new node before the slot is there.
    } else clock.after(HOP_PAUSE_MS, () => this.send());
  }

  private deliver(outcomes: readonly Outcome[]): void {
    this.callers.forEach(({ resolve, reject }, index) => {
      const command = this.commands[index] as Command;
      const outcome = outcomes[index] as Outcome;
      command.resolve = resolve;
      command.reject = reject;
      if ('error' in outcome) reject.call(command, outcome.error);
      else resolve.call(command, outcome.value);
    });
  }
}

function errorOf(outcome: Outcome): Error | undefined {
  return 'error' in outcome ? outcome.error : undefined;
}
