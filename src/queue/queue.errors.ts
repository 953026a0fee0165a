/** Thrown by the work itself: trying again does not help. It is given up at once. */
export class PermanentFailure extends Error {
  /** @param reason stable word, kept with the work, counted and logged; no personal data */
  constructor(readonly reason: string) {
    super(`Given up: ${reason}`);
    this.name = 'PermanentFailure';
  }
}

/** The time for it was over, or the process ends. */
export class CalledOff extends Error {}
