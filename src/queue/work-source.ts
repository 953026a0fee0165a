/** A piece of work that was taken. */
export interface Work {
  readonly id: string;
  /** How often it was taken, this time included. Nobody else has the work with this number. */
  readonly attempts: number;
  /**
   * To be performed with nothing beside it in this process: it may be what ended those that had it before, and what is
   * done beside it would be taken for it.
   */
  readonly alone?: boolean;
}

/**
 * Where work lies until it is done: rows of a table, entries of a stream. What is taken is the taker's for a time, the
 * lease of the source; after that another may take it. Every change names the attempt that it belongs to and is answered
 * with whether the work was still that attempt's: who was overtaken changes nothing.
 */
export interface WorkSource<W extends Work> {
  /** Whether to look at all. False: nothing can be there, and looking would open something for nothing. */
  readonly isOpen: boolean;

  /** What is taken and not settled within this may be another's, milliseconds. */
  readonly leaseMs: number;

  /**
   * @param inHand how many pieces this worker has already; work that is to be performed alone is given to who has none
   * @returns work that is due, at most `most`; two that ask at the same time get different ones
   */
  take(most: number, inHand: number): Promise<readonly W[]>;

  done(work: W): Promise<boolean>;

  /** @param afterMs not before; a source may cap it, and says so */
  retry(work: W, reason: string, afterMs: number): Promise<boolean>;

  /** Not tried again; kept for people, with the reason. */
  giveUp(work: W, reason: string): Promise<boolean>;

  /** Undoes the taking of work on which nothing was done: it is due at once and the attempt does not count. */
  giveBack(work: W): Promise<boolean>;

  /** Whether it has waited so long that failing once more is the end. */
  isTooOld(work: W): Promise<boolean>;

  /** Whether the compartment of the source is away, which that compartment tells by itself. */
  isOutage(error: unknown): boolean;

  /** The worker has ended. */
  close(): Promise<void>;
}

/** What became of an attempt; `lost`: nobody knows, or another has it. */
export type Outcome = 'sent' | 'retried' | 'failed' | 'lost' | 'returned';
