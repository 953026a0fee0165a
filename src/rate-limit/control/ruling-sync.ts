import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import type { Clock, Timer } from '../../kernel/time.js';
import type { ChangeResult, RulingChange, RulingStore } from './ruling-store.js';
import type { Installed, Rulings } from './rulings.js';

/** How often it is looked whether decisions have carried the version lately; if not, Redis is asked for it. */
const TICK_MS = 250;
/** Between two readings, so that a flood of changes elsewhere costs Redis five readings a second at most … */
const PAUSE_MS = 200;
/** … and nine times as long as the last one took, so that it is a tenth of the time; but everybody follows within a second. */
const PAUSES = 9;
const LONGEST_PAUSE_MS = 600;

export interface RulingSyncOptions {
  readonly store: RulingStore;
  readonly rulings: Rulings;
  readonly clock: Clock;
  /** Whether there is any sense in asking now. */
  readonly reachable: () => boolean;
  readonly installed: (result: Installed) => void;
  /** The last known state goes on holding; it is tried again. */
  readonly failed: (error: unknown) => void;
}

/**
 * Keeps what this instance holds of the operators' rulings up to date: within a second of a change anywhere. The
 * version comes with every decision of Redis, and is asked for where none has carried it for a while. What is read is
 * read in pages, never on the path of a request, and one after the other.
 */
export class RulingSync implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly listeners: (() => void)[] = [];
  private turns: Promise<unknown> = Promise.resolve();
  private heard = false;
  private quietTicks = 0;
  private timer: Timer | undefined;
  private pause: Timer | undefined;
  private wanted = false;
  private stopped = false;

  constructor(private readonly options: RulingSyncOptions) {}

  /** What is held. */
  get rulings(): Rulings {
    return this.options.rulings;
  }

  /** Calls `run` after each change of what is held: what was decided so far may be decided otherwise now. */
  onChange(run: () => void): void {
    this.listeners.push(run);
  }

  /** Reads once before anything is served, and goes on from there. Never rejects. */
  async onApplicationBootstrap(): Promise<void> {
    if (this.options.reachable()) await this.load();
    this.tick();
  }

  beforeApplicationShutdown(): void {
    this.stopped = true;
    this.timer?.cancel();
    this.pause?.cancel();
  }

  /** Told with every answer of Redis, so it does next to nothing. */
  readonly onVersion = (version: number): void => {
    this.heard = true;
    if (version !== this.options.rulings.version) this.refresh();
  };

  /** Told how many entries Redis has: fewer than are held were evicted, which changes no version. */
  onStock({ blocks, overrides }: { readonly blocks: number; readonly overrides: number }): void {
    const { rulings } = this.options;
    if (blocks < rulings.blockCount || overrides < rulings.all().length) this.refresh();
  }

  /** Reads soon; what is asked for in the meantime is the same reading. */
  refresh(): void {
    if (this.wanted || this.stopped) return;
    this.wanted = true;
    if (!this.pause) void this.load();
  }

  /** Changes something for all instances. This one goes by it when the promise resolves. @throws as the store */
  change(change: RulingChange): Promise<ChangeResult> {
    return this.inTurn(async () => {
      const { store, rulings } = this.options;
      const result = await store.change(change);
      let upToDate = result.before === rulings.version;
      if (result.outcome === 'changed') {
        await nextTurn();
        upToDate = rulings.apply(change, result);
        this.tell();
      }
      if (!upToDate) this.refresh();
      return result;
    });
  }

  /** Reads at once what others have set, where that is news: from then on what is not held here is nowhere. @throws as the store */
  catchUp(): Promise<void> {
    return this.inTurn(async () => {
      const { store, rulings } = this.options;
      if ((await store.version()) !== rulings.version) await this.read();
    });
  }

  private async load(): Promise<void> {
    const { clock } = this.options;
    let tookMs = 0;
    await this.inTurn(async () => {
      const { failed } = this.options;
      this.wanted = false;
      const startMs = clock.monotonicMs();
      try {
        await this.read();
      } catch (error) {
        failed(error);
      }
      tookMs = clock.monotonicMs() - startMs;
    });
    if (this.stopped) return;
    this.pause?.cancel();
    this.pause = clock.after(pauseAfter(tookMs), () => {
      this.pause = undefined;
      if (this.wanted) void this.load();
    });
  }

  private async read(): Promise<void> {
    const { store, rulings, installed } = this.options;
    const stored = await store.load();
    await nextTurn();
    installed(rulings.install(stored));
    this.tell();
  }

  private tell(): void {
    for (const run of this.listeners) run();
  }

  private tick(): void {
    if (this.stopped) return;
    this.timer = this.options.clock.after(TICK_MS, () => {
      this.look();
      this.tick();
    });
  }

  private look(): void {
    this.quietTicks = this.heard ? 0 : this.quietTicks + 1;
    this.heard = false;
    // The first quiet tick asks, and from then on every second one.
    if (this.quietTicks % 2 === 1 && this.options.reachable()) void this.ask();
  }

  private async ask(): Promise<void> {
    try {
      const version = await this.options.store.version();
      if (version !== this.options.rulings.version) this.refresh();
    } catch (error) {
      this.options.failed(error);
    }
  }

  /** One after the other: what was read before a change must not take its place. */
  private inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.turns.then(run);
    this.turns = turn.catch(() => undefined);
    return turn;
  }
}

function pauseAfter(tookMs: number): number {
  return Math.min(LONGEST_PAUSE_MS, Math.max(PAUSE_MS, PAUSES * tookMs));
}

/** Questions of one turn of the event loop go to Redis together, by one and the same state of the limits. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
