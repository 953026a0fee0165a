import type { EngineTurn, EngineTurnQueue } from './engine-library.js';

type Grant = () => void;

/**
 * One command at a time over all databases, as in Redis. A command that was blocked and is woken goes before
 * new ones, and woken commands keep their order: who waited longest is served first.
 */
export class FairTurnQueue implements EngineTurnQueue {
  private readonly woken: Grant[] = [];
  private readonly waiting: Grant[] = [];
  private locked = false;

  waitTurn(): Promise<EngineTurn> {
    return this.enter(this.waiting);
  }

  private enter(queue: Grant[]): Promise<EngineTurn> {
    return new Promise((resolve) => {
      queue.push(() => resolve(this.turn()));
      this.next();
    });
  }

  private turn(): EngineTurn {
    let active = true;
    const release = (): void => {
      if (!active) return;
      active = false;
      this.locked = false;
      this.next();
    };
    const suspend = async (waitFor: Promise<unknown>): Promise<EngineTurn> => {
      release();
      await waitFor;
      return this.enter(this.woken);
    };
    return { release, suspend };
  }

  private next(): void {
    if (this.locked) return;
    const grant = this.woken.shift() ?? this.waiting.shift();
    if (grant === undefined) return;
    this.locked = true;
    grant();
  }
}
