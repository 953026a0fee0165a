import type { QueryResult } from 'pg';
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import { CallLine, RolledBackError } from './call-line.js';
import type { SqlConnection, SqlQuery } from './sql-engine.js';

/** A connection whose answers the test gives. */
class ScriptedConnection implements SqlConnection {
  readonly sent: string[] = [];
  ended = '';
  private readonly waiting: { resolve: (r: QueryResult) => void; reject: (e: Error) => void }[] = [];

  query(query: SqlQuery): Promise<QueryResult> {
    this.sent.push(typeof query === 'string' ? query : query.text);
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }
  release(): void {
    this.ended = 'released';
  }
  discard(): void {
    this.ended ||= 'discarded';
    for (const { reject } of this.waiting.splice(0)) reject(new Error('Connection terminated'));
  }
  async answer(): Promise<void> {
    await turn();
    this.waiting.shift()?.resolve({ rows: [], rowCount: 0 } as unknown as QueryResult);
    await turn();
  }
  async fail(error: Error): Promise<void> {
    await turn();
    this.waiting.shift()?.reject(error);
    await turn();
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const refused = (code: string, severity = 'ERROR') => Object.assign(new Error('no'), { code, severity });

let clock: ManualClock;
let connection: ScriptedConnection;
let line: CallLine;
beforeEach(() => {
  clock = new ManualClock();
  connection = new ScriptedConnection();
  line = new CallLine(connection, { clock, statementMs: 1000, endMs: 5000 });
});

async function ask(text: string, outcome?: Error): Promise<unknown> {
  const answer = line.query(text).then(
    () => 'answered',
    (error: unknown) => error,
  );
  await (outcome === undefined ? connection.answer() : connection.fail(outcome));
  return answer;
}

async function end(): Promise<string> {
  await line.end();
  return connection.ended;
}

describe('the statements of a call', () => {
  it('are sent one by one, in the order in which they were called', async () => {
    const both = Promise.all([line.query('select 1'), line.query('select 2')]);
    await turn();
    expect(connection.sent).toEqual(['select 1']);
    await connection.answer();
    expect(connection.sent).toEqual(['select 1', 'select 2']);
    await connection.answer();
    await both;
    expect(await end()).toBe('released');
  });

  it('are not sent any more when the call is over', async () => {
    const first = line.query('select 1').catch(() => undefined);
    const second = line.query('select 2').catch((error: unknown) => error);
    await turn();
    const ended = line.end();
    await connection.answer();
    await ended;
    await first;
    expect(String(await second)).toContain('had ended');
    expect(connection.sent).toEqual(['select 1']);
  });

  it('have as long as a statement may take, and the connection is given up for one that takes longer', async () => {
    const answer = line.query('insert into x').catch((error: unknown) => error);
    await turn();
    clock.advance(1249);
    await turn();
    expect(line.failure).toBeUndefined();
    clock.advance(1);
    await answer;
    expect(line.failure).toMatchObject({ reason: 'timeout' });
    expect(line.maybeExecuted).toBe(true);
    const later = await line.query('select 2').catch((error: unknown) => error);
    expect(later).toMatchObject({ failure: { reason: 'timeout' } });
    connection.discard();
    expect(await end()).toBe('discarded');
  });

  it('have no longer than the call has left', async () => {
    clock.advance(4900);
    const answer = line.query('select 1').catch((error: unknown) => error);
    await turn();
    clock.advance(100);
    expect(await answer).toMatchObject({ failure: { reason: 'timeout' } });
  });
});

describe('what may have been kept', () => {
  it.each([
    ['nothing, after a read', 'select 1', undefined, false],
    ['a write that was answered', 'insert into x', undefined, true],
    ['nothing of a write that was refused', 'insert into x', refused('23505'), false],
    ['a write that was lost', 'insert into x', new Error('Connection terminated unexpectedly'), true],
    ['nothing of a read that was lost', 'select 1', new Error('Connection terminated unexpectedly'), false],
    ['nothing of a statement that the server stopped', 'update x', refused('57014'), false],
  ])('is %s', async (_name, text, outcome, expected) => {
    await ask(text, outcome);
    expect(line.maybeExecuted).toBe(expected);
  });

  it.each([
    ['a COMMIT that was lost', new Error('Connection terminated unexpectedly'), true],
    ['a COMMIT during which the server was stopped', refused('57P01', 'FATAL'), true],
    ['nothing, when the COMMIT broke a deferred rule', refused('23503'), false],
    ['nothing, when the COMMIT met a conflict', refused('40001'), false],
  ])('of a transaction is %s', async (_name, outcome, expected) => {
    await ask('begin');
    await ask('insert into x');
    expect(line.maybeExecuted).toBe(false);
    await ask('commit', outcome);
    expect(line.maybeExecuted).toBe(expected);
  });

  it('is nothing of a transaction whose BEGIN was lost', async () => {
    await ask('begin', new Error('Connection terminated unexpectedly'));
    expect(line.maybeExecuted).toBe(false);
  });

  it.each([
    ['a COMMIT', ['begin', 'insert into x'], 'commit', true],
    ['a write', [], 'insert into x', true],
    ['nothing, where a read', [], 'select 1', false],
    ['nothing, where the write of a transaction', ['begin'], 'insert into x', false],
  ])('is %s that is under way when the call is over', async (_name, before, last, expected) => {
    for (const text of before) await ask(text);
    const answer = line.query(last).catch(() => undefined);
    await turn();
    line.cut();
    expect(line.maybeExecuted).toBe(expected);
    await answer;
  });

  it('is nothing of a transaction that is lost before its COMMIT', async () => {
    await ask('begin');
    await ask('insert into x', new Error('Connection terminated unexpectedly'));
    expect(line.maybeExecuted).toBe(false);
    expect(await end()).toBe('discarded');
  });
});

describe('a transaction', () => {
  it('in which a statement failed is rolled back where it was to be committed', async () => {
    await ask('begin');
    await ask('insert into x', refused('23505'));
    expect(await ask('commit')).toBeInstanceOf(RolledBackError);
    expect(connection.sent.at(-1)).toBe('rollback');
    expect([line.maybeExecuted, await end()]).toEqual([false, 'released']);
  });

  it('may be committed when the savepoint around the failure was rolled back', async () => {
    await ask('begin');
    await ask('savepoint sp1');
    await ask('insert into x', refused('23505'));
    await ask('rollback to savepoint sp1');
    expect(await ask('commit')).toBe('answered');
  });

  it('that is left open gives back no connection that others could use', async () => {
    await ask('begin');
    expect(await end()).toBe('discarded');
  });

  it('whose connection the server ended says why', async () => {
    await ask('begin');
    await ask('select 1', refused('25P03', 'FATAL'));
    expect(line.failure).toMatchObject({ reason: 'timeout' });
    expect(await end()).toBe('discarded');
  });
});
