import { Inject, Injectable } from '@nestjs/common';
import { map } from 'rxjs';
import { Settings } from '../config/index.js';
import { type DatabaseSnapshot, DatabaseStatus, SQL_PURPOSE } from '../database/index.js';
import type { Clock } from '../kernel/time.js';
import { CLOCK, LogSettings } from '../telemetry/index.js';
import { StatusLog, type WatchedCompartment, type WatchedCompartments } from './status-log.js';

/** Says of SQL what is said of every compartment, in the same words. */
@Injectable()
export class SqlStatusLog extends StatusLog {
  constructor(
    @Inject(DatabaseStatus) status: DatabaseStatus,
    profile: Settings,
    settings: LogSettings,
    @Inject(CLOCK) clock: Clock,
  ) {
    super(asCompartments(status), profile, settings, clock);
  }
}

function asCompartments(status: DatabaseStatus): WatchedCompartments {
  return {
    all: () => (status.active ? [rowOf(status.snapshot())] : []),
    of: () => rowOf(status.snapshot()),
    changes: () => status.changes().pipe(map(rowOf)),
  };
}

function rowOf({ available, reason, sinceMs }: DatabaseSnapshot): WatchedCompartment {
  return {
    purpose: SQL_PURPOSE,
    state: available ? 'up' : 'down',
    ...(reason === undefined ? {} : { reason }),
    outage: 'closed',
    sinceMs,
  };
}
