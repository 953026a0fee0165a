import { Injectable } from '@nestjs/common';
import { and, eq, isNull, lt, sql } from 'drizzle-orm';
import { type FeatureDatabase, InjectDatabase } from '../../database/index.js';
import { StatusSettings } from '../status.config.js';
import { statusSubscriptions } from '../status.tables.js';

/** A bad moment after a long silence is none yet. */
const LEAST_ATTEMPTS = 3;

/** How a webhook has done lately, by the clock of SQL; one that took nothing for long is not called any more. */
@Injectable()
export class WebhookRecord {
  constructor(
    @InjectDatabase('status') private readonly db: FeatureDatabase,
    private readonly settings: StatusSettings,
  ) {}

  async worked(id: string): Promise<void> {
    const table = statusSubscriptions;
    await this.db.run((db) => db.update(table).set({ failingSince: null }).where(eq(table.id, id)));
  }

  /** @param attempts of this delivery so far */
  async failed(id: string, attempts: number): Promise<void> {
    const table = statusSubscriptions;
    const since = sql`coalesce(${table.failingSince}, now())`;
    await this.db.run((db) => db.update(table).set({ failingSince: since }).where(eq(table.id, id)));
    if (attempts < LEAST_ATTEMPTS) return;
    const longAgo = sql`now() - ${`${this.settings.disableAfterMs} milliseconds`}::interval`;
    await this.db.run((db) =>
      db
        .update(table)
        .set({ disabledAt: sql`now()` })
        .where(and(eq(table.id, id), isNull(table.disabledAt), lt(table.failingSince, longAgo))),
    );
  }

  async disable(id: string): Promise<void> {
    const table = statusSubscriptions;
    await this.db.run((db) =>
      db
        .update(table)
        .set({ disabledAt: sql`now()` })
        .where(eq(table.id, id)),
    );
  }
}
