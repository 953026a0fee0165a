import { createHash, randomBytes } from 'node:crypto';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Settings } from '../config/index.js';
import { EXIT, StartupError } from '../kernel/errors.js';
import { InjectRedis, LuaScript, type PurposeRedis, RedisUnavailableError } from '../redis/index.js';

const proof = new LuaScript({
  name: 'prove-lua',
  file: new URL('./scripts/prove-lua.lua', import.meta.url),
  decode: (reply): unknown => (Array.isArray(reply) ? reply[0] : undefined),
});

export class SubstituteStoreError extends StartupError {
  readonly exitCode = EXIT.config;

  report(): string {
    return [
      'Refusing to start: what stands for the Redis of securityTokens does not run scripts as Redis does.',
      'Tokens would be used twice. Set SECURITY_TOKEN_REDIS_URL to a Redis server, or REDIS_ENGINE=embedded locally.',
    ].join('\n');
  }
}

/**
 * Whether a token was used is decided by scripts. A stand-in that does not run them would say yes to everybody, so that
 * it is refused at the start, except in tests.
 */
@Injectable()
export class SubstituteRefusal implements OnApplicationBootstrap {
  constructor(
    @InjectRedis('securityTokens') private readonly redis: PurposeRedis<'securityTokens'>,
    private readonly settings: Settings,
  ) {}

  /** @throws SubstituteStoreError */
  async onApplicationBootstrap(): Promise<void> {
    if (this.settings.profile === 'test') return;
    const text = randomBytes(16).toString('hex');
    try {
      const answer = await proof.run(this.redis, ['st:{proof}:lua'], [text]);
      if (answer === createHash('sha1').update(text).digest('hex')) return;
    } catch (error) {
      // A server that is away is no stand-in: the compartment is closed, and says so.
      if (error instanceof RedisUnavailableError) return;
    }
    throw new SubstituteStoreError();
  }
}
