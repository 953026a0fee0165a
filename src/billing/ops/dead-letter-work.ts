import { Injectable } from '@nestjs/common';
import { type EntryId, ORIGIN } from '../log/entry-id.js';
import { type DeadLetter, DeadLetters } from './dead-letters.js';
import { ProjectorReplay } from './replay/projector-replay.js';
import { ReplayResults } from './replay/replay-results.js';
import { type Outcomes, addOutcomes, countOf } from './replay/replay-target.js';

export interface DeadLetterRequest {
  /** `replay` applies them to SQL once more, and removes those that are applied now. */
  readonly action: 'replay' | 'discard';
  readonly which: 'all' | readonly EntryId[];
  /** Counts, and changes nothing. */
  readonly dryRun: boolean;
}

const PAGE = 200;

/** Settles dead letters. Those that come meanwhile are left for the next time. */
@Injectable()
export class DeadLetterWork {
  constructor(
    private readonly letters: DeadLetters,
    private readonly projector: ProjectorReplay,
    private readonly results: ReplayResults,
  ) {}

  /**
   * @returns how often each result came: `discarded`; or as the projector says, and `foreign` for what it cannot read
   * @throws RedisUnavailableError, DatabaseUnavailableError; some may be settled then, and the others are still there
   */
  async run(request: DeadLetterRequest): Promise<Outcomes> {
    let outcomes: Outcomes = {};
    for await (const letters of this.pages(request.which)) {
      const results = await this.settle(letters, request);
      outcomes = addOutcomes(outcomes, countOf(results));
    }
    return outcomes;
  }

  private async *pages(which: DeadLetterRequest['which']): AsyncGenerator<readonly DeadLetter[]> {
    if (which !== 'all') {
      for (const id of which) yield await this.letters.one(id);
      return;
    }
    const end = await this.letters.newest();
    for (let after: EntryId | undefined = ORIGIN; after !== undefined;) {
      const page: Awaited<ReturnType<DeadLetters['page']>> = await this.letters.page(after, PAGE, end);
      yield page.letters;
      after = page.next;
    }
  }

  private async settle(
    letters: readonly DeadLetter[],
    { action, dryRun }: DeadLetterRequest,
  ): Promise<string[]> {
    if (action === 'discard') {
      const ids = letters.map(({ id }) => id);
      const gone = dryRun ? ids.length : await this.letters.remove(ids);
      return Array.from({ length: gone }, () => 'discarded');
    }
    const sound = letters.flatMap(({ id, entry }) => (entry ? [{ id, entry }] : []));
    const entries = sound.map(({ entry }) => entry);
    const results = await (dryRun ? this.projector.preview(entries) : this.projector.perform(entries));
    if (!dryRun) {
      const ids = sound.map(({ id }) => id);
      await this.results.settle('projector', results, ids);
    }
    return [...results, ...Array.from({ length: letters.length - sound.length }, () => 'foreign')];
  }
}
