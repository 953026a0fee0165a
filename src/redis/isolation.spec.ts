import { describe, expect, it } from 'vitest';
import type { Compartment } from './compartment.js';
import { assignIsolation } from './isolation.js';
import type { Engine, Isolation } from './status.types.js';

interface Facts {
  readonly runId?: string;
  readonly db?: number;
  readonly engine?: Engine;
}

/** What assignIsolation needs of a compartment. */
class Fake {
  noted = 0;
  isolation: Isolation = 'unknown';
  sharedWith: readonly string[] = [];
  runIds: readonly string[];
  readonly connection: { engine: Engine; target?: { db: number } };

  constructor(
    readonly purpose: string,
    { runId, db, engine = 'redis' }: Facts,
  ) {
    this.runIds = runId === undefined ? [] : [runId];
    this.connection = { engine, ...(db === undefined ? {} : { target: { db } }) };
  }

  snapshot() {
    return { isolation: this.isolation, sharedWith: this.sharedWith };
  }

  noteSharing(isolation: Isolation, others: readonly string[]): void {
    this.noted += 1;
    this.isolation = isolation;
    this.sharedWith = others;
  }
}

const assign = (fakes: readonly Fake[]): void => assignIsolation(fakes as unknown as Compartment[]);

function levels(facts: Readonly<Record<string, Facts>>): string[] {
  const fakes = Object.entries(facts).map(([purpose, each]) => new Fake(purpose, each));
  assign(fakes);
  return fakes.map(({ purpose, isolation, sharedWith }) => [purpose, isolation, ...sharedWith].join(' '));
}

describe('The isolation of a purpose', () => {
  it('is its instance where no other purpose has its server', () => {
    expect(levels({ a: { runId: 'x', db: 0 }, b: { runId: 'y', db: 0 } })).toEqual([
      'a instance',
      'b instance',
    ]);
  });

  it('is its database where others are on the same server in other databases', () => {
    expect(levels({ a: { runId: 'x', db: 0 }, b: { runId: 'x', db: 1 } })).toEqual([
      'a database b',
      'b database a',
    ]);
  });

  it('is its namespace where another is in the same database', () => {
    const shared = { runId: 'x', db: 2 };
    expect(levels({ a: shared, b: shared })).toEqual(['a namespace b', 'b namespace a']);
  });

  it('takes a target without a database for database 0', () => {
    expect(levels({ a: { runId: 'x' }, b: { runId: 'x', db: 0 } })).toEqual([
      'a namespace b',
      'b namespace a',
    ]);
  });

  it('names all others on the server, and is as weak as the closest of them', () => {
    expect(
      levels({
        a: { runId: 'x', db: 0 },
        b: { runId: 'y' },
        c: { runId: 'x', db: 1 },
        d: { runId: 'x', db: 0 },
      }),
    ).toEqual(['a namespace c d', 'b instance', 'c database a d', 'd namespace a c']);
  });

  it('is unknown while the server has not told who it is, and nobody is said to share it', () => {
    expect(levels({ a: {}, b: {}, c: { runId: 'x' } })).toEqual(['a unknown', 'b unknown', 'c instance']);
  });

  it('is its instance on an embedded engine, whatever that says', () => {
    const embedded = { engine: 'embedded', runId: 'x' } as const;
    expect(levels({ a: embedded, b: embedded, c: { runId: 'x' }, d: { engine: 'embedded' } })).toEqual([
      'a instance',
      'b instance',
      'c instance',
      'd instance',
    ]);
  });

  it('is noted only where it changed', () => {
    const fakes = ['a', 'b'].map((purpose) => new Fake(purpose, { runId: 'x', db: 0 }));
    assign(fakes);
    assign(fakes);
    expect(fakes.map(({ noted }) => noted)).toEqual([1, 1]);
    const third = new Fake('c', { runId: 'x', db: 0 });
    assign([...fakes, third]);
    expect([...fakes, third].map(({ noted }) => noted)).toEqual([2, 2, 1]);
    third.runIds = ['y'];
    assign([...fakes, third]);
    expect(fakes.map(({ sharedWith }) => sharedWith)).toEqual([['b'], ['a']]);
    expect(third).toMatchObject({ isolation: 'instance', sharedWith: [] });
  });
});
