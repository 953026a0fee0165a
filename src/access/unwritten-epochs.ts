/** About two megabytes, when it is full. */
const MOST = 10_000;

/** What a mirror says; `epoch:when it was confirmed`, milliseconds since the epoch. */
export interface Mirrored {
  readonly epoch: number;
  readonly confirmedAtMs: number;
}

/**
 * What SQL told of epochs while Redis answered and took no write (full, read-only, its disk is gone): it stands in for
 * the mirror in this process, and grows old as the mirror does. It stands in for exactly the text that was read then. A
 * mirror that says anything else was written since, and knows better.
 */
export class UnwrittenEpochs {
  private readonly told = new Map<string, Mirrored & { readonly over: string | null }>();

  /** @param over text of the mirror that it stands in for */
  add(userId: string, over: string | null, mirrored: Mirrored): void {
    // Anew, so that the one that was told longest ago is the first.
    this.told.delete(userId);
    this.told.set(userId, { ...mirrored, over });
    if (this.told.size <= MOST) return;
    for (const oldest of this.told.keys()) {
      this.told.delete(oldest);
      break;
    }
  }

  /** @param text of the mirror, as it was read just now */
  find(userId: string, text: string | null): Mirrored | undefined {
    const told = this.told.get(userId);
    if (!told || told.over === text) return told;
    this.told.delete(userId);
    return undefined;
  }
}
