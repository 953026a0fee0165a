import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { Clock } from '../../kernel/time.js';
import { CLOCK, type CountSeries, Metrics } from '../../telemetry/index.js';
import { declaredNames } from '../declared-names.js';
import { type Backlog, BacklogError, assertBacklog } from './backlog.js';
import { BACKPRESSURE } from './backpressure.metadata.js';
import { WatchedBacklog } from './watched-backlog.js';

interface Entry {
  readonly watched: WatchedBacklog;
  readonly shed: CountSeries;
}

/** The backlogs of the application by name. A feature registers its own when it is built, or in `onModuleInit`. */
@Injectable()
export class Backlogs implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly entries = new Map<string, Entry>();
  private running = false;

  constructor(
    private readonly metrics: Metrics,
    private readonly modules: ModulesContainer,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** @throws BacklogError for a row that breaks rules, or a name that is taken */
  register(name: string, row: Backlog): void {
    assertBacklog(name, row);
    if (this.entries.has(name)) throw new BacklogError([`Backlog "${name}": it is registered twice`]);
    const { metrics, clock } = this;
    metrics.backlogUnread.inc({ backlog: name }, 0);
    const watched = new WatchedBacklog(row, clock, {
      read: (depth) => metrics.backlogDepth.set({ backlog: name }, depth),
      failed: () => metrics.backlogUnread.inc({ backlog: name }),
    });
    this.entries.set(name, { watched, shed: metrics.backlogShed.child({ backlog: name }) });
    if (this.running) watched.start();
  }

  /**
   * Whether work that adds to this backlog has to be turned away now; for code that no guard stands before.
   *
   * @throws RangeError for an unknown name
   */
  sheds(name: string): boolean {
    return this.entry(name).watched.sheds;
  }

  /** @returns the row of a backlog that turns work away, and counts that it did. @throws as `sheds` */
  shed(name: string): Backlog | undefined {
    const { watched, shed } = this.entry(name);
    if (!watched.sheds) return undefined;
    shed.inc();
    return watched.row;
  }

  /** @throws BacklogError for a route that names a backlog which nobody has registered */
  onApplicationBootstrap(): void {
    const faults = declaredNames(this.modules, BACKPRESSURE)
      .filter(({ name }) => !this.entries.has(name))
      .map(({ name, where }) => `@Backpressure on ${where}: nobody has registered a backlog "${name}"`);
    if (faults.length > 0) throw new BacklogError(faults);
    this.running = true;
    for (const { watched } of this.entries.values()) watched.start();
  }

  onApplicationShutdown(): void {
    for (const { watched } of this.entries.values()) watched.stop();
  }

  private entry(name: string): Entry {
    const entry = this.entries.get(name);
    if (!entry) throw new RangeError(`There is no backlog "${name}"`);
    return entry;
  }
}
