import { Injectable } from '@nestjs/common';
import { formatCursor } from '../log/cursor.js';
import { EventLog } from '../log/event-log.js';
import { type BillingState, Projection } from './projection.js';
import { ProjectorStream } from './projector-group.js';
import { appliedUpTo, tenantCursor } from './snapshot-cursor.js';

export interface Snapshot {
  readonly state: BillingState;
  /** `<ms>-<seq>.<number>`: the stream from here on has everything that the state lacks. */
  readonly cursor: string;
}

/** What a tenant's billing looks like now, and where to go on from there. */
@Injectable()
export class Snapshots {
  constructor(
    private readonly stream: ProjectorStream,
    private readonly log: EventLog,
    private readonly projection: Projection,
  ) {}

  /**
   * The cursor is read before the state. What is applied in between is in both, which does no harm to a client that goes
   * by the order of events; nothing is in neither.
   *
   * @throws RedisUnavailableError, DatabaseUnavailableError
   */
  async of(tenantId: string): Promise<Snapshot> {
    const upTo = appliedUpTo(await this.stream.position());
    const cursor = await tenantCursor(this.log, tenantId, upTo);
    return { state: await this.projection.stateOf(tenantId), cursor: formatCursor(cursor) };
  }
}
