import { Injectable } from '@nestjs/common';
import { AssignReplay } from './assign-replay.js';
import { ProjectorReplay } from './projector-replay.js';
import type { ReplayTarget, ReplayWork } from './replay-target.js';
import { StreamReplay } from './stream-replay.js';

/** What a replay does, by its target. */
@Injectable()
export class ReplayWorks {
  constructor(
    private readonly projector: ProjectorReplay,
    private readonly stream: StreamReplay,
    private readonly assignment: AssignReplay,
  ) {}

  /** @param id name of the replay */
  of(target: ReplayTarget, id: string): ReplayWork {
    if (target === 'projector') return this.projector;
    if (target === 'assign') return this.assignment;
    const { stream } = this;
    return {
      choose: (entries) => stream.choose(entries),
      perform: (entries) =>
        stream.perform(
          entries.map((entry) => ({ entry })),
          id,
        ),
      preview: (entries) => stream.preview(entries, id),
    };
  }
}
