import { Logger } from '@nestjs/common';
import { EXIT } from '../kernel/errors.js';
import { stayAwake } from '../kernel/stay-awake.js';
import type { Clock, Timer } from '../kernel/time.js';
import type { Metrics } from '../telemetry/index.js';
import type { DatabaseSettings } from './database.config.js';
import type { PostgresPlan } from './database-plan.js';
import type { DatabaseState } from './database-status.js';
import { describeTarget } from './database-url.js';
import { clientConfig } from './postgres-client.js';
import { PostgresEngine } from './postgres-engine.js';
import { PostgresMigration } from './postgres-migration.js';
import { PostgresProber } from './postgres-prober.js';
import type { BackendState, SqlBackend } from './sql-backend.js';
import type { SqlEngine } from './sql-engine.js';
import { type SqlFailure, SqlFailureError, failureOf } from './sql-failure.js';
import { DatabaseStartupError, faultOf } from './startup-report.js';

export interface BackendDependencies {
  readonly settings: DatabaseSettings;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Called after every change of state or reason. */
  readonly changed: () => void;
}

/** Calls that fail in a row make one look of it. */
const SOONEST_LOOK_MS = 100;
/** Each process looks at a moment of its own. */
const SPREAD = 0.2;

const NOT_YET: SqlFailure = {
  reason: 'starting',
  detail: 'not migrated yet',
  suspect: 'server',
  hopeless: false,
};
const READ_ONLY: SqlFailure = {
  reason: 'read-only',
  detail: 'the server takes no writes',
  suspect: 'address',
  hopeless: false,
};
const UNKNOWN: SqlFailure = {
  reason: 'other',
  detail: 'the server could not be used',
  suspect: 'server',
  hopeless: false,
};

/** What a call met that says nothing about the next connection. */
const OF_THE_CALL = new Set(['too-many-connections', 'disk-full', 'starting']);

/**
 * A PostgreSQL server as a compartment: looked at every second, open to calls while it answers, takes writes and is
 * migrated, and closed otherwise, so that calls fail at once instead of one by one. It never gives up.
 */
export class PostgresBackend implements SqlBackend {
  readonly most: number;
  private readonly logger = new Logger('Database');
  private readonly engine: PostgresEngine;
  private readonly prober: PostgresProber;
  private readonly migration: PostgresMigration;
  private current: DatabaseState = 'opening';
  private failure: SqlFailure | undefined = NOT_YET;
  private sinceMs: number;
  private facts: Pick<BackendState, 'latencyMs' | 'probedAtMs' | 'serverVersion'> = {};
  private migrated = false;
  private looking: Promise<void> | undefined;
  private again = false;
  private next: Timer | undefined;
  private nextAtMs = 0;
  private nextFresh = false;
  private closed = false;

  constructor(
    private readonly plan: PostgresPlan,
    private readonly dependencies: BackendDependencies,
    shares: number,
  ) {
    // One more for the probe.
    this.most = shares + 1;
    const { settings, clock } = dependencies;
    const bounds = { statementMs: settings.statementMs, idleInTransactionMs: settings.callMs };
    const config = clientConfig(plan, settings, bounds);
    this.engine = new PostgresEngine(config, shares);
    this.prober = new PostgresProber(config, clock, settings.connectMs);
    const patient = clientConfig(plan, settings, { statementMs: 0, idleInTransactionMs: 0 });
    this.migration = new PostgresMigration(patient, clock);
    this.sinceMs = clock.nowMs();
  }

  get open(): number {
    return this.engine.open + this.prober.open;
  }

  get isOpen(): boolean {
    return this.current === 'up';
  }

  get state(): BackendState {
    const { plan, failure } = this;
    return {
      engine: 'postgres',
      state: this.current,
      available: this.current === 'up',
      ...(failure === undefined ? {} : { reason: failure.reason, detail: failure.detail }),
      sinceMs: this.sinceMs,
      ...this.facts,
      address: describeTarget(plan.target),
      source: plan.source,
      user: plan.username,
      tls: plan.target.tls,
    };
  }

  async start(): Promise<void> {
    const { settings, clock } = this.dependencies;
    const waiting = new AbortController();
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = clock.after(settings.startDeadlineMs, () => {
        waiting.abort();
        resolve();
      });
    });
    // A server that cannot be reached at the first look may be there at the second. Until then nothing else may keep
    // this process alive: a command has no door to the network.
    await stayAwake(() => Promise.race([this.untilSettled(waiting.signal), late]));
    timer?.cancel();
    const { failure } = this;
    if (failure === undefined) return;
    const fault = faultOf(failure, { source: this.plan.source, address: describeTarget(this.plan.target) });
    if (failure.hopeless) throw new DatabaseStartupError(EXIT.config, [fault]);
    if (settings.required) throw new DatabaseStartupError(EXIT.unavailable, [fault]);
    this.logger.error(`Starting with SQL ${this.current}: ${fault.variable}: ${fault.rule}`);
  }

  enter(): Promise<SqlEngine> {
    if (this.failure === undefined) return Promise.resolve(this.engine);
    return Promise.reject(new SqlFailureError(this.failure));
  }

  note(failure: SqlFailure): void {
    // While it is closed, it looks anyhow; and calls that were turned away have met nothing.
    if (this.current !== 'up' || OF_THE_CALL.has(failure.reason)) return;
    this.dependencies.metrics.sqlConnectionErrors.inc({ reason: failure.reason });
    this.schedule(SOONEST_LOOK_MS, true);
  }

  async close(deadlineMs: number): Promise<void> {
    this.closed = true;
    this.next?.cancel();
    this.prober.drop();
    this.migration.cut();
    await this.engine.close(deadlineMs);
  }

  /** Up, or a failure that waiting does not cure, or nobody waits any more: from then on the usual looks are enough. */
  private async untilSettled(waiting: AbortSignal): Promise<void> {
    while (!this.closed && !waiting.aborted) {
      await this.look(false);
      if (this.failure === undefined || this.failure.hopeless) return;
      await new Promise<void>((resolve) => this.dependencies.clock.after(SOONEST_LOOK_MS * 2, resolve));
    }
  }

  /** One look at a time; whoever wants another while it runs gets one after it. */
  private look(fresh: boolean): Promise<void> {
    this.next?.cancel();
    this.next = undefined;
    this.looking ??= this.lookNow(fresh).finally(() => {
      this.looking = undefined;
      const { probeIntervalMs } = this.dependencies.settings;
      const usual = probeIntervalMs * (1 - SPREAD * Math.random());
      this.schedule(this.again ? SOONEST_LOOK_MS : usual, this.again);
      this.again = false;
    });
    return this.looking;
  }

  private schedule(afterMs: number, fresh: boolean): void {
    if (this.closed) return;
    if (this.looking) {
      this.again ||= fresh;
      return;
    }
    const { clock } = this.dependencies;
    const atMs = clock.monotonicMs() + afterMs;
    // Never later than planned already: whoever fails again and again would put the look off for ever.
    if (this.next !== undefined && this.nextAtMs <= atMs && (this.nextFresh || !fresh)) return;
    const soonerMs =
      this.next === undefined ? afterMs : Math.min(afterMs, this.nextAtMs - clock.monotonicMs());
    this.next?.cancel();
    this.nextAtMs = clock.monotonicMs() + soonerMs;
    this.nextFresh = fresh;
    this.next = clock.after(soonerMs, () => void this.look(this.nextFresh));
  }

  private async lookNow(fresh: boolean): Promise<void> {
    const { clock } = this.dependencies;
    try {
      const { version, readOnly, latencyMs } = await this.prober.ask(fresh);
      this.facts = { latencyMs, probedAtMs: clock.nowMs(), serverVersion: version };
      if (readOnly) throw new SqlFailureError(READ_ONLY);
      if (!this.migrated) await this.migrate();
      this.become('up', undefined);
    } catch (error) {
      this.facts = { ...this.facts, probedAtMs: clock.nowMs() };
      const failure = failureOf(error, true) ?? UNKNOWN;
      if (failure.reason === 'read-only') this.prober.drop();
      this.become('down', failure);
    }
  }

  private async migrate(): Promise<void> {
    this.become('opening', NOT_YET);
    const { applied, known } = await this.migration.run(() => this.prober.ask(false));
    this.migrated = true;
    if (applied > 0) this.logger.log('Migrated', { applied, known });
  }

  private become(state: DatabaseState, failure: SqlFailure | undefined): void {
    const before = { state: this.current, reason: this.failure?.reason };
    // Connections from before an outage may be half open, or lead to a server that is no longer the primary.
    if (state === 'down' && before.state === 'up') {
      this.engine.renew();
      // What comes back may be another server, or this one from a backup.
      this.migrated = false;
    }
    this.failure = failure;
    this.current = state;
    if (before.state === state && before.reason === failure?.reason) return;
    if (before.state !== state) this.sinceMs = this.dependencies.clock.nowMs();
    if (failure !== undefined && state === 'down') {
      this.dependencies.metrics.sqlConnectionErrors.inc({ reason: failure.reason });
    }
    if (!this.closed) this.dependencies.changed();
  }
}
