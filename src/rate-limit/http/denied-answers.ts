import { AsyncResource } from 'node:async_hooks';

/**
 * Answers of denied requests, which leave together when all that has arrived by now has been read: whom a limit lets in
 * comes first. A flood gets nothing else, and an answer by itself wakes up its reader and lets everything that follows
 * an answer run before the next one, which costs more than all that is done to deny it.
 */
export class DeniedAnswers {
  private waiting: DeniedAnswer[] = [];

  /** @param failed told of what the answer throws: nobody else would be, and it would end the process */
  add(answer: () => void, failed: (error: Error) => void): void {
    if (this.waiting.push(new DeniedAnswer(answer, failed)) === 1) setImmediate(this.tellAll);
  }

  private readonly tellAll = (): void => {
    const { waiting } = this;
    this.waiting = [];
    for (const answer of waiting) answer.runInAsyncScope(tell, undefined, answer);
  };
}

/** Hooks that see the answer run in the async context of its request, not in that of the first one that waits. */
class DeniedAnswer extends AsyncResource {
  constructor(
    readonly answer: () => void,
    readonly failed: (error: Error) => void,
  ) {
    super('DeniedAnswer');
  }
}

function tell({ answer, failed }: DeniedAnswer): void {
  try {
    answer();
  } catch (error) {
    failed(error as Error);
  }
}
