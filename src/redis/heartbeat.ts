import type { Clock } from '../kernel/time.js';
import { startDeadline } from '../kernel/deadline.js';

export interface HeartbeatOptions {
  /** Asks the server something that costs it nothing. */
  readonly ask: () => Promise<unknown>;
  /** No answer within `silenceMs`: the connection leads nowhere. */
  readonly silent: () => void;
  readonly silenceMs: number;
  readonly clock: Clock;
}

/**
 * Looks after a connection that nobody uses at the moment. One whose other end is gone without a word would
 * otherwise be found by the next caller, and TCP keeps it open for minutes.
 */
export class Heartbeat {
  private asking = false;

  constructor(private readonly options: HeartbeatOptions) {}

  /** Asks once, unless a question is open. */
  beat(): void {
    if (this.asking) return;
    const { ask, silent, silenceMs, clock } = this.options;
    this.asking = true;
    const deadline = startDeadline(clock, silenceMs, silent);
    // A refusal is an answer as well; a lost connection has told its cause itself.
    const answered = () => {
      this.asking = false;
      deadline.cancel();
    };
    ask().then(answered, answered);
  }
}
