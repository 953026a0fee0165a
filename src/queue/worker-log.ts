import { Logger } from '@nestjs/common';
import type { Clock } from '../kernel/time.js';
import { RepeatGuard } from '../telemetry/index.js';
import type { Work } from './work-source.js';

const SAY_AGAIN_MS = 300_000;

/** What a worker tells people. An outage is none of it: that is told by its compartment, once. */
export class WorkerLog {
  private readonly logger = new Logger('QueueWorker');
  private readonly repeats: RepeatGuard;

  constructor(
    private readonly worker: string,
    clock: Clock,
  ) {
    this.repeats = new RepeatGuard(clock, SAY_AGAIN_MS);
  }

  /** The same mistake comes with every piece of work and at every look: it is told once in five minutes. */
  mistake(message: string, error: unknown): void {
    const { worker } = this;
    const say = (suppressed: number) => this.logger.error(message, { worker, suppressed, error });
    this.repeats.once(`${message} ${placeOf(error)}`, say);
  }

  givenUp({ id, attempts }: Work, reason: string): void {
    this.logger.warn('Given up', { worker: this.worker, id, attempts, reason });
  }

  unsettled({ id }: Work, error: unknown): void {
    this.logger.error('What became of work is not known', { worker: this.worker, id, error });
  }
}

/** Where it was thrown: its words may name each piece of work, and would be new each time. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return `${error.name} ${frames.length > 0 ? frames.join() : error.message}`;
}
