import type { QueryResult } from 'pg';
import type { Clock } from '../kernel/time.js';
import { startDeadline } from '../kernel/deadline.js';
import type { SqlConnection, SqlQuery } from './sql-engine.js';
import { type SqlFailure, SqlFailureError, failureOf, sqlStateOf } from './sql-failure.js';

export interface CallBudget {
  readonly clock: Clock;
  /** For one statement, milliseconds. */
  readonly statementMs: number;
  /** Moment on the monotonic clock at which the call is over. */
  readonly endMs: number;
}

/** Answers of the server come a little after its own time-out, which says more than ours. */
const SERVER_FIRST_MS = 250;

const TOO_LATE: SqlFailure = {
  reason: 'timeout',
  detail: 'the server does not answer',
  suspect: 'server',
  hopeless: false,
};

/** A COMMIT that these answer has kept nothing: a deferred constraint, a conflict. */
const DEFINITE = /^(23|40)/;

type Phase = 'plain' | 'transaction';

/**
 * The statements of one call, one after the other on one connection, each within its time. It is what drizzle takes
 * for a client. It remembers what a caller must know when the call fails: whether anything may have been kept.
 */
export class CallLine {
  /** Why the connection is of no use any more. */
  failure: SqlFailure | undefined;
  /** Something was kept, or nobody knows whether it was. */
  maybeExecuted = false;
  private turn: Promise<unknown> = Promise.resolve();
  private phase: Phase = 'plain';
  private aborted = false;
  private over = false;
  private underWay: Verb | undefined;

  constructor(
    private readonly connection: SqlConnection,
    private readonly budget: CallBudget,
  ) {}

  /** Called by drizzle. Statements that are called side by side are sent one by one. */
  query(query: SqlQuery, params: readonly unknown[] = []): Promise<QueryResult> {
    const answer = this.turn.then(() => this.send(query, params));
    this.turn = answer.catch(() => undefined);
    return answer;
  }

  /** Nothing more is sent. Settles when what is in flight has ended, and gives the connection back. */
  async end(): Promise<void> {
    this.over = true;
    await this.turn;
    if (this.failure !== undefined || this.phase === 'transaction') this.connection.discard();
    else this.connection.release();
  }

  /** Ends it at once: the time of the call is over. */
  cut(): void {
    this.over = true;
    this.failure ??= TOO_LATE;
    // Said now: whoever gave the time of the call does not wait for what becomes of the statement.
    if (this.mayKeep(this.underWay)) this.maybeExecuted = true;
    this.connection.discard();
  }

  private async send(query: SqlQuery, params: readonly unknown[]): Promise<QueryResult> {
    if (this.failure !== undefined) throw new SqlFailureError(this.failure);
    if (this.over) {
      throw new Error('A statement was sent after the run() or transaction() that it belongs to had ended');
    }
    const verb = verbOf(query);
    if (verb === 'commit' && this.aborted) {
      // The server would answer COMMIT with ROLLBACK and no error, and the caller would think it was kept.
      await this.exchange('rollback', []);
      this.phase = 'plain';
      throw new RolledBackError();
    }
    this.underWay = verb;
    try {
      const result = await this.exchange(query, params);
      this.noteAnswer(verb);
      return result;
    } catch (error) {
      this.noteError(verb, error);
      throw error;
    } finally {
      this.underWay = undefined;
    }
  }

  private exchange(query: SqlQuery, params: readonly unknown[]): Promise<QueryResult> {
    const { clock, statementMs, endMs } = this.budget;
    const ms = Math.max(1, Math.min(statementMs + SERVER_FIRST_MS, endMs - clock.monotonicMs()));
    return new Promise<QueryResult>((resolve, reject) => {
      const timer = startDeadline(clock, ms, () => reject(new SqlFailureError(TOO_LATE)));
      this.connection.query(query, params).then(
        (result) => {
          timer.cancel();
          resolve(result);
        },
        (error: Error) => {
          timer.cancel();
          reject(error);
        },
      );
    });
  }

  private noteAnswer(verb: Verb): void {
    if (verb === 'begin') {
      this.phase = 'transaction';
      this.aborted = false;
    } else if (verb === 'commit') {
      this.phase = 'plain';
      this.maybeExecuted = true;
    } else if (verb === 'rollback') {
      this.phase = 'plain';
      this.aborted = false;
    } else if (verb === 'rollback to') this.aborted = false;
    else if (this.mayKeep(verb)) this.maybeExecuted = true;
  }

  /** Whether something may be kept where the answer to it is lost. */
  private mayKeep(verb: Verb | undefined): boolean {
    return verb === 'commit' || (this.phase === 'plain' && verb === 'other');
  }

  private noteError(verb: Verb, error: unknown): void {
    const state = sqlStateOf(error);
    const failure = failureOf(error);
    if (this.phase === 'transaction') this.aborted = true;
    if (verb === 'commit' && state !== undefined) {
      if (DEFINITE.test(state)) this.phase = 'plain';
      else this.maybeExecuted = true;
    } else if (state === undefined && this.mayKeep(verb)) this.maybeExecuted = true;
    // What the server says about itself while it goes on serving this connection does not end it.
    if (failure === undefined) return;
    // A session may stay read-only when its server is not any more.
    if (state === undefined || isFatal(error) || failure.reason === 'read-only') this.failure ??= failure;
  }
}

/** A transaction in which a statement had failed was to be committed; nothing of it was kept. */
export class RolledBackError extends Error {
  constructor() {
    super('A transaction in which a statement had failed was rolled back instead of committed');
    this.name = 'RolledBackError';
  }
}

/** The server ends the connection with it. */
function isFatal(error: unknown): boolean {
  const severity: unknown = error instanceof Error ? Reflect.get(error, 'severity') : undefined;
  return severity === 'FATAL' || severity === 'PANIC';
}

type Verb = 'begin' | 'commit' | 'rollback' | 'rollback to' | 'select' | 'other';

function verbOf(query: SqlQuery): Verb {
  const text = typeof query === 'string' ? query : query.text;
  const match = /^\s*(begin|start transaction|commit|end|rollback to|rollback|abort|select)\b/i.exec(text);
  const verb = match?.[1]?.toLowerCase();
  switch (verb) {
    case 'begin':
    case 'start transaction':
      return 'begin';
    case 'commit':
    case 'end':
      return 'commit';
    case 'rollback to':
    case 'select':
      return verb;
    case 'rollback':
    case 'abort':
      return 'rollback';
    default:
      return 'other';
  }
}
