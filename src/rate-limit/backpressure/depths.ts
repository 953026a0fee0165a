/** How deep backlogs are that many features have: functions for `Backlogs.register`, over a client of the feature's own. */

/** Entries of a stream that are there: what is added and what is trimmed away. */
export function streamLength(client: StreamLengthClient, key: string): () => Promise<number> {
  return () => client.xlen(key);
}

export interface StreamLengthClient {
  xlen(key: string): Promise<number>;
}

/**
 * Entries that a consumer group has not done with: those that it was not given yet, and those that it was given and has
 * not acknowledged. Unknown where Redis does not know (entries were deleted in the middle) or there is no such group.
 */
export function consumerLag(client: ConsumerLagClient, key: string, group: string): () => Promise<number> {
  return async () => {
    const groups = await client.xinfo('GROUPS', key);
    const found = (Array.isArray(groups) ? groups : []).map(fieldsOf).find(({ name }) => name === group);
    return found ? count(found['lag']) + count(found['pending']) : NaN;
  };
}

export interface ConsumerLagClient {
  xinfo(part: 'GROUPS', key: string): Promise<unknown>;
}

/** Pairs in one list, or an object: it depends on the protocol. */
function fieldsOf(group: unknown): Record<string, unknown> {
  if (!Array.isArray(group)) return { ...(group as object) };
  const pairs = group as readonly unknown[];
  return Object.fromEntries(
    pairs.flatMap((name, at) => (at % 2 === 0 ? [[String(name), pairs[at + 1]]] : [])),
  );
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : NaN;
}

/** Work that this process has begun and not ended. */
export class InFlight {
  private count = 0;

  readonly depth = (): number => this.count;

  /** Counts `work` until its promise settles. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.count += 1;
    try {
      return await work();
    } finally {
      this.count -= 1;
    }
  }
}
