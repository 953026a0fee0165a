import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { count, eq, sql } from 'drizzle-orm';
import { type FeatureDatabase, InjectDatabase, type Sql } from '../../database/index.js';
import { DeliveryWorker } from '../deliveries/delivery-worker.js';
import { IncidentConflictError } from '../status.errors.js';
import {
  type IncidentSeverity,
  type Severity,
  incidents,
  statusDeliveries,
  statusSubscriptions,
} from '../status.tables.js';

export interface NewIncident {
  /** Undefined: made up. */
  readonly id?: string | undefined;
  readonly severity: IncidentSeverity;
  readonly title: string;
  readonly body: string;
}

/** Which subscriptions hear of it. */
const AUDIENCE: Readonly<Record<IncidentSeverity, readonly Severity[]>> = {
  major: ['all', 'major'],
  maintenance: ['all', 'maintenance'],
  minor: ['all'],
};

/** Incidents, and who is told of them: decided in the transaction that makes one, once and for all. */
@Injectable()
export class Incidents {
  constructor(
    @InjectDatabase('status') private readonly db: FeatureDatabase,
    private readonly worker: DeliveryWorker,
  ) {}

  /**
   * With an id that there is already nothing happens, so that it may be asked for again.
   *
   * @throws IncidentConflictError where the incident of that id says something else
   */
  async post(incident: NewIncident): Promise<{ readonly id: string; readonly deliveries: number }> {
    const id = incident.id ?? randomUUID();
    const deliveries = await this.db.transaction(async (tx) => {
      const { severity, title, body } = incident;
      const made = await tx
        .insert(incidents)
        .values({ id, severity, title, body })
        .onConflictDoNothing()
        .returning({ id: incidents.id });
      if (made.length > 0) await this.fanOut(tx, id, severity);
      else await this.assertSame(tx, id, incident);
      const [row] = await tx
        .select({ n: count() })
        .from(statusDeliveries)
        .where(eq(statusDeliveries.incidentId, id));
      return row?.n ?? 0;
    });
    this.worker.nudge();
    return { id, deliveries };
  }

  /** One statement, however many they are. */
  private async fanOut(tx: Sql, id: string, severity: IncidentSeverity): Promise<void> {
    const audience = sql.join(
      AUDIENCE[severity].map((one) => sql`${one}`),
      sql`, `,
    );
    await tx.execute(sql`
      insert into ${statusDeliveries} (id, incident_id, subscription_id, channel)
      select gen_random_uuid(), ${id}::uuid, ${statusSubscriptions.id}, ${statusSubscriptions.channel} from ${statusSubscriptions}
      where ${statusSubscriptions.confirmedAt} is not null and ${statusSubscriptions.unsubscribedAt} is null
        and ${statusSubscriptions.disabledAt} is null and ${statusSubscriptions.severity} in (${audience})`);
  }

  private async assertSame(tx: Sql, id: string, { severity, title, body }: NewIncident): Promise<void> {
    const [known] = await tx.select().from(incidents).where(eq(incidents.id, id));
    if (known?.severity !== severity || known.title !== title || known.body !== body)
      throw new IncidentConflictError();
  }
}
