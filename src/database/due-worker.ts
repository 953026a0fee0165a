import { QueueWorker, type QueueWorkerOptions } from '../queue/index.js';
import type { Metrics } from '../telemetry/index.js';
import { DueRows, type DueRowsOptions, type DueTable, type RowOf } from './due-rows.js';

export interface DueWorkerOptions<T extends DueTable>
  extends
    DueRowsOptions<T>,
    Omit<QueueWorkerOptions<RowOf<T>>, 'source' | 'onSettled' | 'needsAreAway' | 'fewestAtOnce'> {
  readonly metrics: Metrics;
}

/**
 * Does what a table says is due, each row once: in this process and in all others that run the same worker. How rows are
 * taken, tried again and given up is the queue's; how they lie in SQL is DueRows'.
 */
export class DueWorker<T extends DueTable> extends QueueWorker<RowOf<T>> {
  constructor(options: DueWorkerOptions<T>) {
    const { name, metrics } = options;
    super({
      ...options,
      source: new DueRows(options),
      onSettled: (outcome) => metrics.dueRows.inc({ worker: name, outcome }),
    });
  }
}
