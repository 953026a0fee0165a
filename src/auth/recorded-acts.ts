import { Injectable } from '@nestjs/common';
import { type FeatureDatabase, InjectDatabase, type Sql } from '../database/index.js';
import { type SecurityEventKind, SecurityEvents, type SecurityFacts } from '../identity/index.js';

/** What is done to somebody, as it is kept. */
export interface Act {
  readonly kind: SecurityEventKind;
  /** To whom; undefined: to no user, but to a service account for instance. */
  readonly userId?: string;
  /** Who did it belongs here. */
  readonly facts: SecurityFacts;
}

/** Acts of administrators, each in one transaction with its security event: both are there, or neither. */
@Injectable()
export class RecordedActs {
  constructor(
    @InjectDatabase('auth') private readonly db: FeatureDatabase,
    private readonly events: SecurityEvents,
  ) {}

  /**
   * @param act a function where only the work says what was done, or to whom: recorded after it, else before
   * @throws what `work` throws (nothing is recorded), DatabaseUnavailableError
   */
  perform<T>(act: Act | ((result: T) => Act), work: (tx: Sql) => Promise<T>): Promise<T> {
    return this.db.transaction(async (tx) => {
      // First where that can be, so that work beyond SQL is not done without it.
      if (typeof act !== 'function') await this.record(tx, act);
      const result = await work(tx);
      if (typeof act === 'function') await this.record(tx, act(result));
      return result;
    });
  }

  /** Within the transaction of the act. @throws DatabaseUnavailableError */
  record(tx: Sql, { kind, userId, facts }: Act): Promise<void> {
    return this.events.record(kind, userId, facts, tx);
  }
}
