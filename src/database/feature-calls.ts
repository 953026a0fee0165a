import type { Clock } from '../kernel/time.js';
import type { Metrics } from '../telemetry/index.js';
import { CallLine } from './call-line.js';
import type { ConnectionShare } from './connection-share.js';
import type { DatabaseSettings } from './database.config.js';
import { DatabaseUnavailableError } from './database.errors.js';
import { startDeadline } from '../kernel/deadline.js';
import { FeatureDatabase } from './feature-database.js';
import { asSql } from './migrations.js';
import type { PreparedSelect } from './prepared-select.js';
import type { SqlBackend } from './sql-backend.js';
import type { SqlConnection, SqlEngine } from './sql-engine.js';
import { type SqlFailure, SqlFailureError, failureOf } from './sql-failure.js';
import type { Sql } from './sql.js';
import { translateError } from './translate-error.js';

export interface CallDependencies {
  readonly feature: string;
  readonly share: ConnectionShare;
  /** Made when the application starts, as all features are known by then. */
  readonly backend: () => SqlBackend;
  readonly settings: DatabaseSettings;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

type Work<T> = (sql: Sql) => Promise<T>;

const NONE_LEFT: SqlFailure = {
  reason: 'too-many-connections',
  detail: 'the feature uses all connections that it may have',
  suspect: 'server',
  hopeless: false,
};

const CALL_OVER: SqlFailure = {
  reason: 'timeout',
  detail: 'the call took longer than a call may',
  suspect: 'server',
  hopeless: false,
};

/** The calls of one feature: let in, given a connection, bounded, counted, and their errors put into words of ours. */
export class FeatureCalls extends FeatureDatabase {
  constructor(private readonly dependencies: CallDependencies) {
    super();
  }

  get isOpen(): boolean {
    return this.dependencies.backend().isOpen;
  }

  run<T>(work: Work<T>): Promise<T> {
    return this.call((line) => work(asSql(line)));
  }

  select<Row>(statement: PreparedSelect<Row>, values: Record<string, unknown>): Promise<Row[]> {
    const { preparedStatements } = this.dependencies.settings;
    return this.call((line) => statement.run(line, values, preparedStatements));
  }

  transaction<T>(work: Work<T>): Promise<T> {
    return this.call((line) => asSql(line).transaction(work));
  }

  private async call<T>(work: (line: CallLine) => Promise<T>): Promise<T> {
    const { feature, clock, metrics } = this.dependencies;
    const startMs = clock.monotonicMs();
    let outcome = 'ok';
    try {
      return await this.inShare(work);
    } catch (error) {
      outcome = error instanceof DatabaseUnavailableError ? 'unavailable' : 'error';
      if (error instanceof DatabaseUnavailableError) {
        metrics.sqlUnavailable.inc({ feature: error.feature, reason: error.reason });
      }
      throw error;
    } finally {
      metrics.sqlCalls.inc({ feature, outcome });
      metrics.sqlCallDuration.observe({ feature }, (clock.monotonicMs() - startMs) / 1000);
    }
  }

  private async inShare<T>(work: (line: CallLine) => Promise<T>): Promise<T> {
    const { share, settings, backend, clock } = this.dependencies;
    const engine = await this.unsent(() => backend().enter());
    const endMs = clock.monotonicMs() + settings.callMs;
    if (!(await share.take(settings.waitMs))) throw this.refusal(NONE_LEFT);
    try {
      const connection = await this.unsent(() => this.connect(engine, endMs));
      return await this.onConnection(connection, endMs, work);
    } finally {
      share.giveBack();
    }
  }

  private async onConnection<T>(
    connection: SqlConnection,
    endMs: number,
    work: (line: CallLine) => Promise<T>,
  ): Promise<T> {
    const { feature, settings, clock, backend } = this.dependencies;
    const line = new CallLine(connection, { clock, statementMs: settings.statementMs, endMs });
    let timer = { cancel: (): void => undefined };
    const over = new Promise<never>((_resolve, reject) => {
      timer = startDeadline(clock, endMs - clock.monotonicMs(), () => {
        reject(new SqlFailureError(CALL_OVER));
        line.cut();
      });
    });
    try {
      const result = await Promise.race([work(line), over]);
      await line.end();
      return result;
    } catch (error) {
      await Promise.race([line.end(), over.catch(() => undefined)]);
      if (line.failure !== undefined) backend().note(line.failure);
      const { failure, maybeExecuted } = line;
      throw translateError(error, { feature, failure, maybeExecuted });
    } finally {
      timer.cancel();
    }
  }

  /** Bounded by the call as well: the embedded engine has one connection, and a call may have to wait for it. */
  private connect(engine: SqlEngine, endMs: number): Promise<SqlConnection> {
    const { clock } = this.dependencies;
    return new Promise((resolve, reject) => {
      let late = false;
      const timer = startDeadline(clock, endMs - clock.monotonicMs(), () => {
        late = true;
        reject(new SqlFailureError(CALL_OVER));
      });
      engine.connect().then(
        (connection) => {
          timer.cancel();
          if (late) connection.release();
          else resolve(connection);
        },
        (error: Error) => {
          timer.cancel();
          reject(error);
        },
      );
    });
  }

  /** For what happens before anything was sent. */
  private async unsent<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      const failure = failureOf(error, true);
      if (failure === undefined) throw error;
      this.dependencies.backend().note(failure);
      throw this.refusal(failure);
    }
  }

  private refusal(failure: SqlFailure): unknown {
    const { feature } = this.dependencies;
    return translateError(new SqlFailureError(failure), { feature, failure, maybeExecuted: false });
  }
}
