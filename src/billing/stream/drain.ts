import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { Settings, isLocal } from '../../config/index.js';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import { LogReader } from './log-reader.js';
import type { OpenStream } from './open-stream.js';
import { OpenStreams } from './open-streams.js';
import { BillingStreamSettings } from './stream.config.js';

const USUAL_MS = 5000;
/** Nobody waits for the streams of a developer's machine. */
const LOCAL_MS = 500;
/** How often it is looked whether the last one has gone, milliseconds. */
const LOOK_MS = 50;
/** For what was written last. HTTP closes afterwards, and cuts what is left when its time is over. */
const GRACE_MS = 1000;

/**
 * Ends the streams when the process does: each at a random moment of the window, with a word about when to come again.
 * Otherwise all clients would come back to the other instances in one moment. HTTP cannot close before: it waits for them.
 */
@Injectable()
export class StreamDrain implements BeforeApplicationShutdown {
  private readonly windowMs: number;

  constructor(
    private readonly streams: OpenStreams,
    private readonly reader: LogReader,
    settings: Settings,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    const { drainMs } = settings.of(BillingStreamSettings);
    this.windowMs = drainMs ?? (isLocal(settings.profile) ? LOCAL_MS : USUAL_MS);
  }

  /** What happens meanwhile still reaches those that are open. */
  async beforeApplicationShutdown(): Promise<void> {
    const open = this.streams.close();
    for (const stream of open) this.endSometime(stream);
    const overMs = this.clock.monotonicMs() + this.windowMs + GRACE_MS;
    while (this.streams.size > 0 && this.clock.monotonicMs() < overMs) await this.pause(LOOK_MS);
    await this.reader.stop();
  }

  private endSometime(stream: OpenStream): void {
    this.clock.after(Math.random() * this.windowMs, () => stream.end('drain'));
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.after(ms, resolve));
  }
}
