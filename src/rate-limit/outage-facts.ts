/** What is known of the loss of Redis, and who hears of what was decided without it. */
export interface OutageFacts {
  /** Why Redis cannot be asked now; undefined: it can. */
  readonly lost: () => string | undefined;
  /** Refuse instead of counting here: the purpose is closed while Redis is away. */
  readonly closed: () => boolean;
  /** Instances that share the limits, this one included. */
  readonly instances: () => number;
  /** What a decision of this process is called where counting here was chosen, not forced. */
  readonly chosenIsDegraded: boolean;
  /** Told of each decision that had to be made without Redis. */
  readonly onSubstitute: (reason: string, error?: Error) => void;
}
