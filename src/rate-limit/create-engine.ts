import type { Secret } from '../kernel/redact.js';
import type { ScriptClient } from '../redis/index.js';
import { RedisCounter } from './counting/redis-counter.js';
import { SubjectDigest } from './counting/subject-digest.js';
import { type AssemblyOptions, type Engine, assembleEngine } from './engine-assembly.js';

export interface EngineOptions extends Omit<AssemblyOptions, 'redis' | 'digest'> {
  /** Undefined: this process counts by choice. */
  readonly client: ScriptClient | undefined;
  /** Namespace of the purpose and hash tag: `rl:{g}`. */
  readonly prefix: string;
  readonly secret: Secret;
  /** Told the version of what operators have set, with every answer of Redis. */
  readonly onVersion?: (version: number) => void;
}

/** An engine on any client. */
export function createEngine(options: EngineOptions): Engine {
  const { client, prefix, secret, metrics, clock, onVersion } = options;
  let version = 0;
  const redis =
    client &&
    new RedisCounter({
      client,
      prefix,
      clock,
      onVersion: (next) => {
        // Somebody has reset a limit or lifted something: denials that are known here may hold no more.
        if (next !== version) made.decider.distrust();
        version = next;
        onVersion?.(next);
      },
      onBroken: (count) => metrics.rateLimitBroken.inc(count),
    });
  const subjects = new SubjectDigest(secret);
  const made = assembleEngine({
    ...options,
    redis,
    digest: (dimension, canonical) => subjects.of(dimension, canonical),
  });
  return made;
}
