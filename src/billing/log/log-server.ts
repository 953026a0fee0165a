import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { distinctUntilChanged, filter, map, type Observable } from 'rxjs';
import { failClosed, InjectRedis, type PurposeRedis, RedisStatus } from '../../redis/index.js';
import { LOG_KEY } from './keys.js';
import { type LogIdentity, logIdentity } from './log-scripts.js';

/** The server that holds the log, and which log that is. */
@Injectable()
export class LogServer {
  constructor(
    @InjectRedis('billingEvents', 'bulk') private readonly redis: PurposeRedis<'billingEvents'>,
    private readonly status: RedisStatus,
  ) {}

  /**
   * Gives the log a name where it has none.
   *
   * @throws RedisUnavailableError
   */
  identity(): Promise<LogIdentity> {
    const fresh = randomBytes(16).toString('hex');
    return failClosed('billingEvents', () => logIdentity.run(this.redis, [LOG_KEY], [fresh]));
  }

  /** At once where it is there, and then each time that it is back. */
  returns(): Observable<boolean> {
    return this.status.changes('billingEvents').pipe(
      map(({ state }) => state === 'up'),
      distinctUntilChanged(),
      filter((up) => up),
    );
  }
}
