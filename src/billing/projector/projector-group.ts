import type { Provider } from '@nestjs/common';
import type { Clock } from '../../kernel/time.js';
import { type GroupPosition, StreamGroup } from '../../queue/index.js';
import { failClosed, getRedisToken, type PurposeRedis } from '../../redis/index.js';
import { CLOCK } from '../../telemetry/index.js';
import { DEAD_LETTERS_KEY, LOG_KEY, PROJECTOR_GROUP } from '../log/keys.js';
import { ProjectorSettings } from './projector.config.js';

/** The log as this process's share of the projector's work. */
export class ProjectorStream extends StreamGroup {
  /** @throws RedisUnavailableError, also where something foreign stands in the place of the log */
  override position(): Promise<GroupPosition> {
    return failClosed('billingEvents', () => super.position());
  }
}

/** On the bulk lane: what it reads is large, and nobody waits for it. */
export const projectorStream: Provider = {
  provide: ProjectorStream,
  inject: [getRedisToken('billingEvents', 'bulk'), ProjectorSettings, CLOCK],
  useFactory: (client: PurposeRedis<'billingEvents'>, { leaseMs }: ProjectorSettings, clock: Clock) =>
    new ProjectorStream({
      client,
      clock,
      leaseMs,
      key: LOG_KEY,
      group: PROJECTOR_GROUP,
      deadLetters: DEAD_LETTERS_KEY,
    }),
};
