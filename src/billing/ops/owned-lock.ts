import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Clock, Timer } from '../../kernel/time.js';
import { type ScriptClient, failClosed } from '../../redis/index.js';
import { type HeldLock, finishLock, releaseLock, renewLock, takeLock } from './ops-scripts.js';

export interface LockOptions {
  readonly client: ScriptClient;
  readonly key: string;
  readonly clock: Clock;
  /** It ends so long after its last renewal, milliseconds; it is renewed three times as often. */
  readonly lifeMs: number;
}

/** Who has a lock. */
export interface LockOwner {
  /** Where the lock lies, in the Redis of billingEvents. */
  readonly key: string;
  /** Host and process. */
  readonly name: string;
  readonly sinceMs: number;
  /** Unless it is renewed, milliseconds. */
  readonly livesMs: number;
  /** Its work came to its end; else it goes on, or its process has died. */
  readonly done: boolean;
}

const DONE = 'done';

/** Renewing must be over before the lock ends at the server, whose clock may run a little faster. */
const SAFE_SHARE = 0.8;

/**
 * A lock that says who has it. It is lost when its renewal is refused, or cannot be made for most of its life: `lost` then
 * aborts, and whoever holds it must stop. What must not happen twice has to ask for the text of the lock where it writes.
 */
export class OwnedLock {
  private readonly losing = new AbortController();
  private timer: Timer | undefined;
  private renewedMs: number;
  private ended = false;

  private constructor(
    private readonly options: LockOptions,
    /** What lies at the server; of nobody else. */
    readonly text: string,
    askedMs: number,
  ) {
    this.renewedMs = askedMs;
    this.renewLater();
  }

  /** @returns the lock, or who has it. @throws RedisUnavailableError */
  static async take(options: LockOptions): Promise<OwnedLock | LockOwner> {
    const { client, key, clock, lifeMs } = options;
    const text = `${randomBytes(9).toString('base64url')} ${processName()} ${clock.nowMs()}`;
    const askedMs = clock.monotonicMs();
    const held = await failClosed('billingEvents', () => takeLock.run(client, [key], [text, lifeMs]));
    return held.text === text ? new OwnedLock(options, text, askedMs) : ownerOf(key, held);
  }

  get lost(): AbortSignal {
    return this.losing.signal;
  }

  get lifeMs(): number {
    return this.options.lifeMs;
  }

  /** Was renewed by a script that did other work as well; false: it is not ours any more. */
  note(renewed: boolean, askedMs: number): void {
    if (renewed) this.renewedMs = askedMs;
    else this.lose();
  }

  /** Its work is done, and whoever asks within so many milliseconds is told so. Never throws. */
  async finish(forMs: number): Promise<void> {
    this.stop();
    const { client, key } = this.options;
    await finishLock.run(client, [key], [this.text, `${this.text} ${DONE}`, forMs]).catch(() => undefined);
  }

  /** Never throws: what could not be given back ends by itself. */
  async release(): Promise<void> {
    this.stop();
    const { client, key } = this.options;
    await releaseLock.run(client, [key], [this.text]).catch(() => undefined);
  }

  private renewLater(): void {
    const { clock, lifeMs } = this.options;
    this.timer = clock.after(lifeMs / 3, () => void this.renew());
  }

  private async renew(): Promise<void> {
    const { client, key, clock, lifeMs } = this.options;
    const askedMs = clock.monotonicMs();
    try {
      this.note(await renewLock.run(client, [key], [this.text, lifeMs]), askedMs);
    } catch {
      // Its compartment tells an outage; here only the time counts for which nothing could be renewed.
      if (clock.monotonicMs() - this.renewedMs > lifeMs * SAFE_SHARE) this.lose();
    }
    if (!this.ended) this.renewLater();
  }

  private lose(): void {
    if (this.ended) return;
    this.stop();
    this.losing.abort();
  }

  private stop(): void {
    this.ended = true;
    this.timer?.cancel();
  }
}

function ownerOf(key: string, { text, livesMs }: HeldLock): LockOwner {
  const [, name = '', since = '', state] = text.split(' ');
  return {
    key,
    name: /^[\w.:-]{1,100}$/.test(name) ? name : 'somebody unknown',
    sinceMs: /^\d{1,15}$/.test(since) ? Number(since) : 0,
    livesMs: Math.max(0, livesMs),
    done: state === DONE,
  };
}

/** This process, as people find it. */
export function processName(): string {
  return `${hostname()
    .replaceAll(/[^\w.-]/g, '')
    .slice(0, 60)}:${process.pid}`;
}
