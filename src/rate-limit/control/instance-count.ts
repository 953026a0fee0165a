import { randomBytes } from 'node:crypto';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import type { Clock, Timer } from '../../kernel/time.js';
import type { ScriptClient } from '../../redis/index.js';
import { limitScript } from '../limit-script.js';
import { RULINGS_LIFE_MS, rulingKeys } from './redis-ruling-store.js';

const BEAT_MS = 5_000;
/** Two beats may be lost. */
const LIFE_MS = 15_000;
/** In that time everybody who is there has beaten. */
const BEATS_TO_BELIEVE = 3;
/** As for RATE_LIMIT_INSTANCES: a share is never smaller than this part of a limit. */
const MOST_INSTANCES = 10_000;

/** What one heartbeat learns. */
export interface Beat {
  readonly instances: number;
  readonly broken: number;
  /** Entries in Redis. */
  readonly blocks: number;
  readonly overrides: number;
}

const beat = limitScript<Beat>('beat', {
  decode: (reply) => {
    if (!Array.isArray(reply) || reply.length !== 4 || !reply.every(Number.isSafeInteger))
      throw new TypeError('beat.lua answers four integers');
    const [instances = 0, broken = 0, blocks = 0, overrides = 0] = reply as number[];
    return { instances, broken, blocks, overrides };
  },
});

export interface InstanceClient extends ScriptClient {
  zrem(key: string, member: string): Promise<number>;
}

export interface InstanceCountOptions {
  readonly client: InstanceClient;
  /** With the hash tag that keeps everything in one slot: `rl:{g}`. */
  readonly prefix: string;
  readonly clock: Clock;
  /** Whether there is any sense in asking now. */
  readonly reachable: () => boolean;
  readonly beaten: (beat: Beat) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * How many instances share the limits. Each says every few seconds that it is there; one that does not is no longer
 * counted half a minute later. While Redis is away the last count goes on holding.
 */
export class InstanceCount implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly id = randomBytes(12).toString('base64url');
  private readonly key: string;
  private counted: number | undefined;
  /** Regular beats on end that counted fewer. */
  private fewer = 0;
  private timer: Timer | undefined;
  private stopped = false;

  constructor(private readonly options: InstanceCountOptions) {
    this.key = `${options.prefix}:instances`;
  }

  /** Undefined: Redis has not been there once since the start. */
  get last(): number | undefined {
    return this.counted;
  }

  /** Beats once and goes on beating. Never rejects. */
  async onApplicationBootstrap(): Promise<void> {
    await this.beat();
    this.schedule();
  }

  /** One of the regular ones. Never rejects. */
  beat(): Promise<void> {
    return this.say(true);
  }

  /** Once more when Redis is back, for others to count. Those who are not back yet are not gone. Never rejects. */
  rejoin(): Promise<void> {
    return this.say(false);
  }

  private async say(regular: boolean): Promise<void> {
    const { client, prefix, reachable, beaten, failed } = this.options;
    if (this.stopped || !reachable()) return;
    try {
      const keys = [this.key, ...rulingKeys(prefix)];
      const said = await beat.run(client, keys, [this.id, LIFE_MS, RULINGS_LIFE_MS]);
      this.take(Math.min(Math.max(1, said.instances), MOST_INSTANCES), regular);
      beaten(said);
    } catch (error) {
      failed(error);
    }
  }

  /** Others find one less from now on. Never rejects: one that cannot say goodbye is forgotten by itself. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    if (!this.options.reachable()) return;
    await this.options.client.zrem(this.key, this.id).catch(() => undefined);
  }

  /** After a restart Redis knows nobody, and whoever comes first would be alone: fewer are believed after a while only. */
  private take(instances: number, regular: boolean): void {
    if (instances < (this.counted ?? 0)) {
      // Redis that comes and goes brings many beats in a moment, in which not everybody has beaten.
      if (!regular) return;
      this.fewer += 1;
      if (this.fewer < BEATS_TO_BELIEVE) return;
    }
    this.counted = instances;
    this.fewer = 0;
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer = this.options.clock.after(BEAT_MS, () => {
      void this.beat();
      this.schedule();
    });
  }
}
