import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { CallLine } from './call-line.js';
import type { EmbeddedPlan } from './database-plan.js';
import type { DatabaseState } from './database-status.js';
import { EmbeddedEngine } from './embedded-engine.js';
import { FolderLock } from './folder-lock.js';
import { type MigrationReport, migrate } from './migrations.js';
import type { BackendDependencies } from './postgres-backend.js';
import type { BackendState, SqlBackend } from './sql-backend.js';
import type { SqlEngine } from './sql-engine.js';
import { type SqlFailure, SqlFailureError } from './sql-failure.js';
import { folderRefusal } from './startup-report.js';

const MIGRATION_MS = 600_000;

const BROKEN: SqlFailure = {
  reason: 'other',
  detail: 'the embedded engine cannot open its data',
  suspect: 'server',
  hopeless: false,
};

/** The embedded engine as a compartment. The first call opens it, so that whoever never asks pays nothing. */
export class EmbeddedBackend implements SqlBackend {
  readonly most = 1;
  /** What opening it had to migrate. */
  report: MigrationReport = { applied: 0, known: 0 };
  private readonly logger = new Logger('Database');
  private current: DatabaseState = 'opening';
  private failure: SqlFailure | undefined;
  private sinceMs: number;
  private lock: FolderLock | undefined;
  private opening: Promise<EmbeddedEngine> | undefined;
  private engine: EmbeddedEngine | undefined;
  private closed = false;

  constructor(
    private readonly plan: EmbeddedPlan,
    private readonly dependencies: BackendDependencies,
  ) {
    this.sinceMs = dependencies.clock.nowMs();
  }

  get open(): number {
    return this.engine?.open ?? 0;
  }

  get isOpen(): boolean {
    return this.current === 'up';
  }

  get state(): BackendState {
    const { failure, plan } = this;
    return {
      engine: 'pglite',
      state: this.current,
      available: this.current !== 'down',
      ...(failure === undefined ? {} : { reason: failure.reason, detail: failure.detail }),
      sinceMs: this.sinceMs,
      address: plan.folder ?? 'memory',
      source: plan.source,
      tls: false,
    };
  }

  /** Locks the folder, and opens nothing. */
  start(): Promise<void> {
    const { folder } = this.plan;
    if (folder === undefined) return Promise.resolve();
    try {
      this.lock = FolderLock.take(folder);
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(folderRefusal(error, folder));
    }
  }

  enter(): Promise<SqlEngine> {
    if (this.closed) return Promise.reject(new SqlFailureError(BROKEN));
    this.opening ??= this.openNow();
    return this.opening;
  }

  /** It is in this process: there is nothing to look at. */
  note(): void {}

  async close(): Promise<void> {
    this.closed = true;
    try {
      const engine = await this.opening?.catch(() => undefined);
      await engine?.close();
    } finally {
      this.lock?.release();
    }
  }

  private async openNow(): Promise<EmbeddedEngine> {
    let engine: EmbeddedEngine | undefined;
    try {
      engine = await EmbeddedEngine.open(this.dataFolder());
      const { clock } = this.dependencies;
      const endMs = clock.monotonicMs() + MIGRATION_MS;
      const line = new CallLine(await engine.connect(), { clock, statementMs: MIGRATION_MS, endMs });
      try {
        this.report = await migrate(line);
      } finally {
        await line.end();
      }
      this.engine = engine;
      this.become('up', undefined);
      return engine;
    } catch (error) {
      // Two on one folder would ruin it: this one is gone before the next call tries again.
      await engine?.close().catch(() => undefined);
      this.opening = undefined;
      const why = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.name) : 'unknown';
      this.logger.error('The embedded SQL engine did not open', { address: this.state.address, why });
      this.become('down', BROKEN);
      throw new SqlFailureError(BROKEN);
    }
  }

  private dataFolder(): string | undefined {
    const { folder } = this.plan;
    if (folder === undefined) return undefined;
    const data = join(folder, 'data');
    mkdirSync(data, { recursive: true, mode: 0o700 });
    return data;
  }

  private become(state: DatabaseState, failure: SqlFailure | undefined): void {
    this.current = state;
    this.failure = failure;
    this.sinceMs = this.dependencies.clock.nowMs();
    this.dependencies.changed();
  }
}
