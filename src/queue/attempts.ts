import type { Clock } from '../kernel/time.js';
import { CalledOff } from './queue.errors.js';

/**
 * The attempts that run, each with a time and with an AbortController of its own. A signal made by AbortSignal.any() would
 * stay with the signals that it was made of, and one for each piece of work would pile up for as long as a worker lives.
 */
export class Attempts {
  private readonly running = new Set<AbortController>();

  constructor(
    private readonly clock: Clock,
    /** For one attempt, milliseconds. */
    private readonly performMs: number,
  ) {}

  /** @returns undefined where it was done; CalledOff where its time was over, whatever `perform` does afterwards */
  async run(
    perform: (signal: AbortSignal) => Promise<void>,
  ): Promise<{ readonly error: unknown } | undefined> {
    const controller = new AbortController();
    const { signal } = controller;
    let callOff = (): void => undefined;
    const calledOff = new Promise<never>((_resolve, reject) => {
      callOff = () => reject(new CalledOff());
    });
    signal.addEventListener('abort', callOff, { once: true });
    const timer = this.clock.after(this.performMs, () => controller.abort());
    this.running.add(controller);
    try {
      await Promise.race([perform(signal), calledOff]);
      return undefined;
    } catch (error) {
      return { error: signal.aborted ? new CalledOff() : error };
    } finally {
      timer.cancel();
      this.running.delete(controller);
      signal.removeEventListener('abort', callOff);
    }
  }

  /** All that run now. */
  callOff(): void {
    for (const controller of this.running) controller.abort();
  }
}
