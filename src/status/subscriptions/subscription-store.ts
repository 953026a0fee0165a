import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { and, asc, eq, gt, inArray, isNotNull, isNull, lt, sql } from 'drizzle-orm';
import type { Sql } from '../../database/index.js';
import { SealedTargets } from '../sealed-targets.js';
import { type Severity, statusSubscriptions } from '../status.tables.js';
import type { Target } from './target.js';

export type Subscription = typeof statusSubscriptions.$inferSelect;

/** What the owner of a target has agreed to. */
export interface Terms {
  readonly target: string;
  readonly severity: Severity;
  readonly tenantId: string | null;
  /** Of a webhook. */
  readonly secret: string | null;
}

export interface Page {
  readonly limit: number;
  /** Id of the last one of the page before. */
  readonly after?: string | undefined;
}

/** Longer than a token to confirm it is valid. */
const PENDING_DAYS = 2;
/** Of rows that nobody has confirmed; the next call takes further ones. */
const MOST_SWEPT = 100;

/** Subscriptions in SQL. Every method takes the connection or transaction to use. */
@Injectable()
export class SubscriptionStore {
  constructor(private readonly targets: SealedTargets) {}

  /** The row of a target, as it stands or made now, without any terms. */
  async rowOf(tx: Sql, { channel, key }: Target): Promise<Subscription> {
    const digests = this.targets.digests(channel, key);
    const known = await this.find(tx, channel, digests);
    if (known) return known;
    await this.sweep(tx);
    const [targetDigest = ''] = digests;
    await tx
      .insert(statusSubscriptions)
      .values({ id: randomUUID(), channel, severity: 'all', targetDigest })
      .onConflictDoNothing();
    const made = await this.find(tx, channel, digests);
    if (!made) throw new Error('A subscription that was just made is gone');
    return made;
  }

  async byId(db: Sql, id: string): Promise<Subscription | undefined> {
    const [row] = await db.select().from(statusSubscriptions).where(eq(statusSubscriptions.id, id));
    return row;
  }

  /** As `byId`, and nobody else changes it before the transaction ends. */
  async locked(tx: Sql, id: string): Promise<Subscription | undefined> {
    const [row] = await tx
      .select()
      .from(statusSubscriptions)
      .where(eq(statusSubscriptions.id, id))
      .for('update');
    return row;
  }

  /** It begins, or begins anew: with another epoch then, so that links from before end nothing. */
  async begin(tx: Sql, row: Subscription, { target, severity, tenantId, secret }: Terms): Promise<void> {
    await tx
      .update(statusSubscriptions)
      .set({
        target: this.targets.seal(target),
        severity,
        tenantId,
        secret: secret === null ? null : this.targets.seal(secret),
        confirmedAt: sql`now()`,
        unsubscribedAt: null,
        failingSince: null,
        disabledAt: null,
        linkEpoch: row.unsubscribedAt ? row.linkEpoch + 1 : row.linkEpoch,
      })
      .where(eq(statusSubscriptions.id, row.id));
  }

  /** It ends, and its target is forgotten. */
  async end(tx: Sql, id: string): Promise<void> {
    await tx
      .update(statusSubscriptions)
      .set({ unsubscribedAt: sql`now()`, target: '', secret: null, tenantId: null })
      .where(eq(statusSubscriptions.id, id));
  }

  /** Those of a tenant that are confirmed and have not ended, by id. */
  list(db: Sql, tenantId: string, { limit, after }: Page): Promise<Subscription[]> {
    const table = statusSubscriptions;
    return db
      .select()
      .from(table)
      .where(
        and(
          eq(table.tenantId, tenantId),
          isNotNull(table.confirmedAt),
          after ? gt(table.id, after) : undefined,
        ),
      )
      .orderBy(asc(table.id))
      .limit(limit);
  }

  /** @returns whether the tenant had it */
  async remove(db: Sql, tenantId: string, id: string): Promise<boolean> {
    const table = statusSubscriptions;
    const gone = await db
      .delete(table)
      .where(and(eq(table.id, id), eq(table.tenantId, tenantId)))
      .returning({ id: table.id });
    return gone.length > 0;
  }

  private async find(
    tx: Sql,
    channel: Target['channel'],
    digests: readonly string[],
  ): Promise<Subscription | undefined> {
    const table = statusSubscriptions;
    const [row] = await tx
      .select()
      .from(table)
      .where(and(eq(table.channel, channel), inArray(table.targetDigest, [...digests])))
      .limit(1);
    return row;
  }

  /** Rows that nobody has confirmed in time. One that is being used is left alone. */
  private async sweep(tx: Sql): Promise<void> {
    const table = statusSubscriptions;
    const stale = tx
      .select({ id: table.id })
      .from(table)
      .where(
        and(isNull(table.confirmedAt), lt(table.createdAt, sql`now() - ${`${PENDING_DAYS} days`}::interval`)),
      )
      .limit(MOST_SWEPT)
      .for('update', { skipLocked: true });
    await tx.delete(table).where(inArray(table.id, stale));
  }
}
