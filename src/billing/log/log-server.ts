import { Injectable } from '@nestjs/common';
import { distinctUntilChanged, filter, map, type Observable } from 'rxjs';
import { failClosed, InjectRedis, type PurposeRedis, RedisStatus } from '../../redis/index.js';
import { LOG_KEY } from './keys.js';
import { serverRunId } from './log-scripts.js';

/** The server that holds the log. */
@Injectable()
export class LogServer {
  constructor(
    @InjectRedis('billingEvents', 'bulk') private readonly redis: PurposeRedis<'billingEvents'>,
    private readonly status: RedisStatus,
  ) {}

  /**
   * Another one after a restart and after a fail-over.
   *
   * @returns undefined where the server does not say
   * @throws RedisUnavailableError
   */
  runId(): Promise<string | undefined> {
    return failClosed('billingEvents', () => serverRunId.run(this.redis, [LOG_KEY], []));
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
