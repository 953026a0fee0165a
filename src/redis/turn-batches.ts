/** What goes to a server in one call. */
export interface Batch<Item> {
  readonly isFull: boolean;
  /** Whether another one still fits; the first one does. */
  hasRoomFor(item: Item): boolean;
  add(item: Item): void;
}

/**
 * Gathers what comes within one turn of the event loop: a lone item goes out at the end of that turn, a full batch at once, so
 * that Redis works on it while the next one is gathered.
 */
export class TurnBatches<Item, B extends Batch<Item>> {
  private batch: B | undefined;
  private scheduled = false;

  /** @param send must not throw: an item that filled a batch is not the reason */
  constructor(
    private readonly begin: () => B,
    private readonly send: (batch: B) => void,
  ) {}

  add(item: Item): void {
    if (this.batch && !this.batch.hasRoomFor(item)) this.flush();
    this.batch ??= this.begin();
    this.batch.add(item);
    if (this.batch.isFull) this.flush();
    else if (!this.scheduled) {
      this.scheduled = true;
      // Not nextTick, which comes after each socket that is read: what arrives in one turn would go out one by one.
      setImmediate(() => {
        this.scheduled = false;
        this.flush();
      });
    }
  }

  private flush(): void {
    const { batch } = this;
    if (!batch) return;
    this.batch = undefined;
    this.send(batch);
  }
}
