import { Inject, Injectable } from '@nestjs/common';
import { and, eq, isNotNull, lt, notExists, or, sql } from 'drizzle-orm';
import { QueryBuilder } from 'drizzle-orm/pg-core';
import { ChoreRounds, FeatureDatabase, Housekeeping, InjectDatabase, forgetRows } from '../database/index.js';
import type { Clock } from '../kernel/time.js';
import { CLOCK } from '../telemetry/index.js';
import { incidents, statusDeliveries } from './status.tables.js';

const DAY_MS = 24 * 3_600_000;
/** A receiver that asks what became of an alert asks within a month. One row for each subscription and incident. */
export const SETTLED_DELIVERIES_MS = 30 * DAY_MS;
/** As long as an `id` of the caller's may be sent again, which would tell everybody anew once it is forgotten. */
export const INCIDENTS_MS = 365 * DAY_MS;

/** Forgets deliveries that were settled long ago, and incidents of which no delivery is left. */
@Injectable()
export class StatusHousekeeping extends Housekeeping {
  constructor(@InjectDatabase('status') database: FeatureDatabase, @Inject(CLOCK) clock: Clock) {
    const ago = (ms: number) => new Date(clock.nowMs() - ms);
    const { sentAt, failedAt, createdAt, incidentId } = statusDeliveries;
    const forgetDeliveries = (most: number): Promise<number> => {
      const settled = or(isNotNull(sentAt), isNotNull(failedAt));
      const where = and(settled, lt(createdAt, ago(SETTLED_DELIVERIES_MS)));
      return forgetRows(database, { table: statusDeliveries, primaryKey: statusDeliveries.id, where }, most);
    };
    const forgetIncidents = (most: number): Promise<number> => {
      // Its deliveries would go with it, in one statement and however many they are.
      const deliveries = new QueryBuilder()
        .select({ one: sql`1` })
        .from(statusDeliveries)
        .where(eq(incidentId, incidents.id));
      const where = and(lt(incidents.createdAt, ago(INCIDENTS_MS)), notExists(deliveries));
      return forgetRows(database, { table: incidents, primaryKey: incidents.id, where }, most);
    };
    const chores = [
      { name: 'status-deliveries', forget: forgetDeliveries },
      { name: 'incidents', forget: forgetIncidents },
    ];
    super({ chores, rounds: new ChoreRounds(database), clock });
  }
}
