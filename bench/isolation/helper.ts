import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { killOnExit } from '../../test/support/clean-up.js';

/** A process of its own that does one thing at a time when told to, so that this one measures and nothing else. */
export class Helper<Order> {
  private constructor(private readonly child: ChildProcess) {}

  /** @param file compiled neighbour of this file, which calls `serve` */
  static start<Order>(file: string): Helper<Order> {
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), { stdio: 'inherit' });
    killOnExit(child);
    return new Helper<Order>(child);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Resolves with the answer when the order has been carried out. */
  async tell(order: Order): Promise<unknown> {
    const answered = once(this.child, 'message');
    this.child.send(order as object);
    const [{ result, error }] = (await answered) as [{ result?: unknown; error?: string }];
    if (error !== undefined) throw new Error(error);
    return result;
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
  }
}

/** In the helper: carries out one order after the other. */
export function serve<Order>(carryOut: (order: Order) => Promise<unknown>): void {
  process.on('message', (order: Order) => {
    carryOut(order).then(
      (result) => process.send?.({ result }),
      (error: unknown) => process.send?.({ error: String(error) }),
    );
  });
}
