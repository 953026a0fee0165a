import type { Subject } from '../counting/subject.js';
import type { ConcurrentLimit } from './compiled-quota.js';

/** What operators have set about who opens streams. */
export interface StreamRuling {
  /** The limit in force: the given one, or what overrides it for this subject. Asked each time a stream is opened. */
  streamLimitFor(limit: ConcurrentLimit, subject: Subject): ConcurrentLimit;
}
