import { Injectable } from '@nestjs/common';

/**
 * @param familyId of refresh tokens
 * @param generation of the refresh token that the access token was handed out with
 */
export type ArrivalListener = (familyId: string, generation: number) => Promise<void>;

/** About a megabyte, when it is full. */
const MOST = 5000;

/**
 * Tells whoever keeps the refresh tokens that one of them has arrived: an access token that was handed out beside it is
 * in use. Once per process and exchange, so that a request costs no more than before.
 */
@Injectable()
export class TokenArrivals {
  /** Families and the newest generation that was told of each. */
  private readonly told = new Map<string, number>();
  private listener: ArrivalListener | undefined;

  /** Once, by the module that keeps the refresh tokens. */
  heardBy(listener: ArrivalListener): void {
    this.listener = listener;
  }

  /** Beside the request, whose answer does not depend on it. Where it cannot be told now, the next request tries again. */
  note(familyId: string, generation: number | undefined): void {
    const { listener } = this;
    if (!listener || generation === undefined || generation <= (this.told.get(familyId) ?? 0)) return;
    this.remember(familyId, generation);
    listener(familyId, generation).catch(() => {
      if (this.told.get(familyId) === generation) this.told.delete(familyId);
    });
  }

  private remember(familyId: string, generation: number): void {
    // Anew, so that the one that was told longest ago is the first.
    this.told.delete(familyId);
    this.told.set(familyId, generation);
    if (this.told.size <= MOST) return;
    for (const oldest of this.told.keys()) {
      this.told.delete(oldest);
      break;
    }
  }
}
