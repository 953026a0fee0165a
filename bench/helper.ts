import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { killOnExit } from '../test/support/clean-up.js';

interface Answer {
  readonly result?: unknown;
  readonly error?: string;
}

/** A process of its own that does one thing at a time when told to, so that this one measures and nothing else. */
export class Helper<Order> {
  private constructor(private readonly child: ChildProcess) {}

  /**
   * @param file compiled, and calls `serve`
   * @param quiet what it writes to standard output is thrown away, at the price of writing it
   */
  static start<Order>(file: URL, { quiet = false } = {}): Helper<Order> {
    const output = quiet ? 'ignore' : 'inherit';
    const child = fork(fileURLToPath(file), { stdio: ['ignore', output, 'inherit', 'ipc'] });
    killOnExit(child);
    return new Helper<Order>(child);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Resolves with the answer when the order has been carried out. */
  async tell(order: Order): Promise<unknown> {
    const waiting = new AbortController();
    const { signal } = waiting;
    const answered = once(this.child, 'message', { signal });
    const ended = once(this.child, 'exit', { signal }).then(([code]) => {
      throw new Error(`The helper process ended with ${code}`);
    });
    this.child.send(order as object);
    try {
      const [{ result, error }] = (await Promise.race([answered, ended])) as [Answer];
      if (error !== undefined) throw new Error(error);
      return result;
    } finally {
      // Both promises reject then; the one that lost the race is not an error.
      ended.catch(() => undefined);
      answered.catch(() => undefined);
      waiting.abort();
    }
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
      (error: unknown) =>
        process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
}
