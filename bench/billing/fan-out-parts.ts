import { burst } from './burst.js';
import { idle } from './idle.js';
import { mixed } from './mixed.js';
import type { FanOut } from './options.js';
import { slowReaders } from './slow-readers.js';
import { storm } from './storm.js';
import { sustained } from './sustained.js';

/** What is measured, in this order; `--parts=` chooses. */
export const FAN_OUT_PARTS: Readonly<Record<string, (options: FanOut) => Promise<void>>> = {
  idle,
  burst,
  sustained,
  storm,
  slow: slowReaders,
  mixed,
};
