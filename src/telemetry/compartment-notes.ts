import { Injectable } from '@nestjs/common';

/** @returns one stable word while something is the matter, for answers of readiness; no secret */
export type LookForNote = () => string | undefined;

/**
 * What features know of a compartment that answers and still does not do what it should, such as a backlog that grows.
 * Features leave their notes here; readiness shows them as degraded, and never fails for one.
 */
@Injectable()
export class CompartmentNotes {
  private readonly looks = new Map<string, LookForNote[]>();

  /** @param look asked at every question of readiness: it answers at once and asks nobody */
  add(purpose: string, look: LookForNote): void {
    this.looks.set(purpose, [...(this.looks.get(purpose) ?? []), look]);
  }

  /** The first that has something to say; undefined where all is well. */
  of(purpose: string): string | undefined {
    for (const look of this.looks.get(purpose) ?? []) {
      const note = look();
      if (note !== undefined) return note;
    }
    return undefined;
  }
}
