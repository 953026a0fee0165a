import { Injectable, Logger } from '@nestjs/common';
import { Sessions } from '../../access/index.js';
import { RedisUnavailableError } from '../../redis/index.js';

/** Ends the sessions that are older than an epoch which has been committed. */
@Injectable()
export class SessionsEnd {
  private readonly logger = new Logger('Auth');

  constructor(private readonly sessions: Sessions) {}

  /**
   * The epoch in SQL is what counts. Where Redis cannot be told now nobody gets in anyhow, and afterwards the old mirror
   * does not hold; so the caller's change, which is committed, is not answered with a 503.
   */
  async olderThan(epoch: number, userId: string, keepSessionId?: string): Promise<void> {
    try {
      await this.sessions.endOlder(userId, epoch, keepSessionId);
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      this.logger.warn('Sessions have ended, which Redis will hear when it is back', { user_id: userId });
    }
  }
}
