import { Injectable } from '@nestjs/common';

/** An outage with more users than this among those whose sessions were ended is left to the age of the mirrors. */
const MOST = 10_000;

/** Epochs that stand in SQL and that Redis could not be told. */
@Injectable()
export class OwedEpochs {
  private readonly epochs = new Map<string, number>();

  /** @returns 0 where nothing is owed */
  of(userId: string): number {
    return this.epochs.size === 0 ? 0 : (this.epochs.get(userId) ?? 0);
  }

  add(userId: string, epoch: number): void {
    if (this.epochs.size >= MOST && !this.epochs.has(userId)) return;
    this.epochs.set(userId, Math.max(epoch, this.of(userId)));
  }

  /** The mirror has this epoch now. */
  settle(userId: string, mirrored: number): void {
    if (this.of(userId) <= mirrored) this.epochs.delete(userId);
  }

  /** It cannot be paid: the age of the mirror has to do. */
  drop(userId: string): void {
    this.epochs.delete(userId);
  }

  all(): readonly (readonly [userId: string, epoch: number])[] {
    return [...this.epochs];
  }
}
