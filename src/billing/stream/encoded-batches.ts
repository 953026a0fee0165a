import type { Chunk } from './chunk.js';

/** Of all tenants together: a few batches of many clients, or many of a few. */
const MOST_IDLE_BYTES = 4 * 1024 * 1024;
/** What an entry takes beside its bytes, roughly: a batch of which a filter lets nothing pass has none. */
const ENTRY_BYTES = 300;

interface Batch {
  readonly chunk: Chunk | undefined;
  /** Clients that have not taken it yet. */
  waiting: number;
}

/**
 * Batches that were encoded, for all tenants of the process. Clients stand at few different places, so that most want what
 * another one has just had. One is kept as long as somebody has not taken it, whose memory the others share then; of those
 * that nobody waits for, the last ones up to a bound.
 */
export class EncodedBatches {
  private readonly lent = new Map<string, Batch>();
  /** In the order of their last use. */
  private readonly idle = new Map<string, Batch>();
  private idleBytes = 0;
  private owners = 0;

  constructor(private readonly mostIdleBytes = MOST_IDLE_BYTES) {}

  /** Of those that nobody waits for. */
  get bytes(): number {
    return this.idleBytes;
  }

  /** A name for whoever keeps batches here, to begin its keys with; none comes twice. */
  newOwner(): string {
    this.owners += 1;
    return this.owners.toString(36);
  }

  /** @param encode @returns undefined where a filter lets nothing pass */
  get(key: string, encode: () => Chunk | undefined): Chunk | undefined {
    const lent = this.lent.get(key);
    if (lent) return lent.chunk;
    const batch = this.takeIdle(key) ?? { chunk: encode(), waiting: 0 };
    this.putIdle(key, batch);
    return batch.chunk;
  }

  /** One more client has the batch of the last `get` to take. @returns to be called when it has, or has left */
  lend(key: string): () => void {
    const batch = this.lent.get(key) ?? this.takeIdle(key);
    if (!batch) return nothing;
    batch.waiting += 1;
    this.lent.set(key, batch);
    return () => this.giveBack(key, batch);
  }

  private giveBack(key: string, batch: Batch): void {
    batch.waiting -= 1;
    if (batch.waiting > 0) return;
    this.lent.delete(key);
    this.putIdle(key, batch);
  }

  private takeIdle(key: string): Batch | undefined {
    const batch = this.idle.get(key);
    if (!batch) return undefined;
    this.idle.delete(key);
    this.idleBytes -= bytesOf(batch);
    return batch;
  }

  private putIdle(key: string, batch: Batch): void {
    this.idle.set(key, batch);
    this.idleBytes += bytesOf(batch);
    for (const oldest of this.idle.keys()) {
      if (this.idleBytes <= this.mostIdleBytes) return;
      this.takeIdle(oldest);
    }
  }
}

function bytesOf({ chunk }: Batch): number {
  return (chunk?.framed.length ?? 0) + ENTRY_BYTES;
}

function nothing(): void {}
