import { Injectable } from '@nestjs/common';
import { and, desc, eq, sql } from 'drizzle-orm';
import { FeatureDatabase, InjectDatabase } from '../../database/index.js';
import type { LogEntry } from '../log/log-entry.js';
import { type ObjectKind, billingObjects } from './billing-objects.tables.js';
import { eventPosition } from './event-position.js';
import { type Stateless, objectStateOf } from './object-state.js';
import { ObjectWrites } from './object-writes.js';

/** `applied`: the object is now as the event says. `older`: a later one, or this one, was applied before. */
export type Applied = 'applied' | 'older' | Stateless;

export interface BillingState {
  /** Each as events tell them: subscriptions, newest first. */
  readonly subscriptions: readonly object[];
  readonly invoices: readonly object[];
  /** What the invoices bill of use, with the invoice that does. */
  readonly usage: readonly object[];
  /** Older objects were left out. */
  readonly truncated: boolean;
}

/** Of each kind; a tenant with more asks the history. */
export const MOST_OBJECTS = 1000;

/** The state of every tenant's billing in SQL: what the last event about each object said. */
@Injectable()
export class Projection {
  private readonly writes: ObjectWrites;

  constructor(@InjectDatabase('billing') private readonly database: FeatureDatabase) {
    this.writes = new ObjectWrites(database);
  }

  /**
   * Keeps what an event says of its object, unless a later event was applied before it. One statement, which is its own
   * transaction, for all that come in one turn of the event loop. Any number of times, in any order, from any number of
   * processes: the outcome is the same.
   *
   * @throws DatabaseUnavailableError; nothing is lost when the entry is applied again
   */
  async apply(entry: LogEntry): Promise<Applied> {
    const found = objectStateOf(entry);
    if (typeof found === 'string') return found;
    const { tenantId, id: entryId, eventId, createdS } = entry;
    const row = { ...found, tenantId, position: eventPosition(entry), entryId, eventId, createdS };
    return (await this.writes.write(row, entry.data.length)) ? 'applied' : 'older';
  }

  /** @throws DatabaseUnavailableError */
  stateOf(tenantId: string): Promise<BillingState> {
    // One snapshot of SQL for both kinds, or an invoice could be newer than its subscription.
    return this.database.transaction(async (tx) => {
      await tx.execute(sql`set transaction isolation level repeatable read read only`);
      const rowsOf = (kind: ObjectKind) =>
        tx
          .select()
          .from(billingObjects)
          .where(
            and(
              eq(billingObjects.tenantId, tenantId),
              eq(billingObjects.kind, kind),
              eq(billingObjects.deleted, false),
            ),
          )
          .orderBy(desc(billingObjects.createdS), billingObjects.objectId)
          .limit(MOST_OBJECTS + 1);
      const subscriptions = await rowsOf('subscription');
      const invoices = await rowsOf('invoice');
      const kept = invoices.slice(0, MOST_OBJECTS);
      return {
        subscriptions: subscriptions.slice(0, MOST_OBJECTS).map(({ state }) => state),
        invoices: kept.map(({ state }) => state),
        usage: kept.flatMap(({ objectId, usage }) =>
          usage.map((line) => ({ invoice_id: objectId, ...Object(line) })),
        ),
        truncated: Math.max(subscriptions.length, invoices.length) > MOST_OBJECTS,
      };
    });
  }
}
