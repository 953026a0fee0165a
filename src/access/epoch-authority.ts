/**
 * Who keeps the epochs: SQL, `users.token_epoch`. An epoch only grows; every session that began under a smaller one has
 * ended. Floor 4's `Users` is one.
 */
export interface EpochAuthority {
  /** @returns undefined for a user that is not there. @throws DatabaseUnavailableError */
  epochOf(userId: string): Promise<number | undefined>;
  /** Committed when it resolves. @returns the new epoch. @throws DatabaseUnavailableError */
  bumpEpoch(userId: string): Promise<number>;
}

/** Token of the EpochAuthority. */
export const EPOCHS = Symbol('EPOCHS');
