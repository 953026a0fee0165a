import { AsyncResource } from 'node:async_hooks';
import { type SQL, getTableColumns, sql } from 'drizzle-orm';
import { DatabaseStatementError, type FeatureDatabase } from '../../database/index.js';
import { type Settler, settled } from '../../kernel/settler.js';
import { type Batch, TurnBatches } from '../../redis/index.js';
import { billingObjects } from './billing-objects.tables.js';

export type ObjectRow = Omit<typeof billingObjects.$inferInsert, 'updatedAt'>;

interface Write {
  readonly row: ObjectRow;
  /** Of what the event says, about. */
  readonly chars: number;
  /** Told whether the row was the later one. */
  readonly settler: Settler<boolean>;
}

/** The projector has no more in its hands. */
const MOST_ROWS = 32;
const LARGEST_CHARS = 256 * 1024;

/** Rows of one statement: an object once, since a statement changes no row twice. */
class WriteBatch implements Batch<Write> {
  readonly writes = new Map<string, Write>();
  private chars = 0;

  get isFull(): boolean {
    return this.writes.size >= MOST_ROWS || this.chars >= LARGEST_CHARS;
  }

  hasRoomFor({ row }: Write): boolean {
    return !this.writes.has(row.objectId);
  }

  add(write: Write): void {
    this.writes.set(write.row.objectId, write);
    this.chars += write.chars;
  }
}

/**
 * Writes what events say of objects, each unless a later event was written before it. What comes within one turn of the event
 * loop goes out in one statement: building, sending and committing one costs far more than a further row in it.
 */
export class ObjectWrites {
  private readonly batches = new TurnBatches<Write, WriteBatch>(
    () => new WriteBatch(),
    // In one order everywhere: two that lock the same rows in different orders would wait for each other.
    ({ writes }) =>
      this.outside.runInAsyncScope(
        () => void this.run([...writes.values()].sort((a, b) => (a.row.objectId < b.row.objectId ? -1 : 1))),
      ),
  );
  /** A batch is no single request's: what is logged of it would be told of whichever came first. */
  private readonly outside = new AsyncResource('ObjectWrites');

  constructor(private readonly database: Pick<FeatureDatabase, 'run'>) {}

  /**
   * @param chars of what the event says, about
   * @returns false where a later event, or this one, was written before
   * @throws DatabaseUnavailableError, DatabaseStatementError
   */
  write(row: ObjectRow, chars: number): Promise<boolean> {
    return settled((settler) => this.batches.add({ row, chars, settler }));
  }

  /** Never rejects: each of those who wait is told. */
  private async run(writes: readonly Write[]): Promise<void> {
    let changed: ReadonlySet<string>;
    try {
      changed = await this.upsert(writes.map(({ row }) => row));
    } catch (error) {
      // One row that the server refuses is no reason to refuse its neighbours.
      if (error instanceof DatabaseStatementError && writes.length > 1)
        await Promise.all(writes.map((one) => this.run([one])));
      else for (const { settler } of writes) settler.reject(error);
      return;
    }
    for (const { row, settler } of writes) settler.resolve(changed.has(row.objectId));
  }

  /** @returns ids of the objects that are now as these rows say */
  private async upsert(rows: ObjectRow[]): Promise<ReadonlySet<string>> {
    const changed = await this.database.run((db) =>
      db
        .insert(billingObjects)
        .values(rows)
        .onConflictDoUpdate({
          target: billingObjects.objectId,
          set: AS_GIVEN,
          // By bytes, whatever the language of the database.
          setWhere: sql`${billingObjects.position} collate "C" < excluded.position collate "C"`,
        })
        .returning({ objectId: billingObjects.objectId }),
    );
    return new Set(changed.map(({ objectId }) => objectId));
  }
}

/** Every column but the key as the refused row has it. */
const AS_GIVEN: Readonly<Record<string, SQL>> = {
  ...Object.fromEntries(
    Object.entries(getTableColumns(billingObjects))
      .filter(([, column]) => !column.primary)
      .map(([field, column]) => [field, sql.raw(`excluded."${column.name}"`)]),
  ),
  updatedAt: sql`now()`,
};
