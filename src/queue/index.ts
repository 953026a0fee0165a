export { PermanentFailure } from './queue.errors.js';
export { QueueWorker } from './queue-worker.js';
export type { QueueWorkerOptions } from './queue-worker.options.js';
export { StreamGroup, type StreamGroupOptions, type StreamWork } from './stream-group.js';
export type { GroupPosition } from './stream-scripts.js';
export type { Outcome, Work, WorkSource } from './work-source.js';
