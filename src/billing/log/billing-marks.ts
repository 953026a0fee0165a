import { Injectable } from '@nestjs/common';
import { and, eq, lt, sql as fragment } from 'drizzle-orm';
import { type FeatureDatabase, InjectDatabase } from '../../database/index.js';
import { billingMarks } from './billing-marks.tables.js';

/** A database of its own, so that nobody who is busy keeps the watch from writing down what it saw. */
export const MARKS_DATABASE = { name: 'billing-marks', connections: 1 } as const;

export interface Mark {
  readonly value: string;
  /** When it was last seen to hold, milliseconds since the epoch by the clock of SQL. */
  readonly seenAtMs: number;
}

/** Small facts in SQL, by name. Every call throws DatabaseUnavailableError where SQL does not answer. */
@Injectable()
export class BillingMarks {
  constructor(@InjectDatabase(MARKS_DATABASE.name) private readonly db: FeatureDatabase) {}

  /** Whether SQL is there already: the engine that is embedded is not opened for this. */
  get isOpen(): boolean {
    return this.db.isOpen;
  }

  async read(name: string): Promise<Mark | undefined> {
    const [row] = await this.db.run((sql) =>
      sql.select().from(billingMarks).where(eq(billingMarks.name, name)),
    );
    return row && { value: row.value, seenAtMs: row.seenAt.getTime() };
  }

  /** Writes what was never written. @returns false where somebody was first */
  async begin(name: string, value: string): Promise<boolean> {
    const rows = await this.db.run((sql) =>
      sql
        .insert(billingMarks)
        .values({ name, value, seenAt: fragment`now()` })
        .onConflictDoNothing()
        .returning({ name: billingMarks.name }),
    );
    return rows.length > 0;
  }

  /** @param from the value that is replaced: whoever has seen another one does not take it back */
  async replace(name: string, from: string, to: string): Promise<void> {
    await this.db.run((sql) =>
      sql
        .update(billingMarks)
        .set({ value: to, seenAt: fragment`now()` })
        .where(and(eq(billingMarks.name, name), eq(billingMarks.value, from))),
    );
  }

  /** It still holds. Written only where that was last said longer ago than this. */
  async confirm(name: string, value: string, olderThanMs: number): Promise<void> {
    const before = fragment`now() - ${olderThanMs} * interval '1 millisecond'`;
    await this.db.run((sql) =>
      sql
        .update(billingMarks)
        .set({ seenAt: fragment`now()` })
        .where(
          and(eq(billingMarks.name, name), eq(billingMarks.value, value), lt(billingMarks.seenAt, before)),
        ),
    );
  }
}
