import { Injectable } from '@nestjs/common';
import type { AccessClaims } from './access-claims.js';
import { type AccessDenial, InvalidTokenError } from './access.errors.js';

/** Who keeps the records of the tokens of service accounts. */
export interface ServiceTokenRecords {
  /**
   * @returns why the token does not hold; undefined: it does
   * @throws RedisUnavailableError, DatabaseUnavailableError
   */
  denialOf(claims: AccessClaims): Promise<AccessDenial | undefined>;
}

/** Where whoever keeps the records gives them to the guard. While nobody has, no service account is let in. */
@Injectable()
export class ServiceTokens {
  private records: ServiceTokenRecords | undefined;

  /** Once, by the module that keeps them. */
  keptBy(records: ServiceTokenRecords): void {
    this.records = records;
  }

  /** @throws InvalidTokenError where the token does not hold; what the records throw */
  async assert(claims: AccessClaims): Promise<void> {
    const denial = this.records ? await this.records.denialOf(claims) : 'unknown-session';
    if (denial) throw new InvalidTokenError(denial);
  }
}
