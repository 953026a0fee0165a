/** Thrown by the work on a due row: trying again does not help. The row is marked as failed at once. */
export class PermanentFailure extends Error {
  /** @param reason stable word, kept in the row, counted and logged; no personal data */
  constructor(readonly reason: string) {
    super(`Given up: ${reason}`);
    this.name = 'PermanentFailure';
  }
}
