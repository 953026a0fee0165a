import { Injectable } from '@nestjs/common';
import type { LogEntry } from '../../log/log-entry.js';
import { Projection } from '../../projector/projection.js';
import type { ReplayWork } from './replay-target.js';

/** What is begun together goes to SQL in one statement of as many rows. */
const AT_ONCE = 32;

/** Applies entries to SQL once more, as the projector does: what is there already stays as it is. */
@Injectable()
export class ProjectorReplay implements ReplayWork {
  constructor(private readonly projection: Projection) {}

  /** All: what was given to a tenant stands in its copy only, and what was told again changes nothing. */
  choose(entries: readonly LogEntry[]): Promise<readonly LogEntry[]> {
    return Promise.resolve(entries);
  }

  async perform(entries: readonly LogEntry[]): Promise<readonly string[]> {
    const results: string[] = [];
    for (let at = 0; at < entries.length; at += AT_ONCE) {
      const some = entries.slice(at, at + AT_ONCE);
      results.push(...(await Promise.all(some.map((entry) => this.projection.apply(entry)))));
    }
    return results;
  }

  /** Whether SQL has it already is seen only by trying. */
  preview(entries: readonly LogEntry[]): Promise<readonly string[]> {
    return Promise.resolve(entries.map(() => 'would-apply'));
  }
}
