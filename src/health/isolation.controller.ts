import { Controller, Get } from '@nestjs/common';
import { Settings } from '../config/index.js';
import { DatabaseStatus } from '../database/index.js';
import { NoStore, OpsOnly } from '../http/index.js';
import { type PurposeStatus, RedisStatus } from '../redis/index.js';

/** The purpose matrix of the running process: what was asked for, what was found, and what was proven. */
@Controller('isolation')
@OpsOnly()
export class IsolationController {
  constructor(
    private readonly status: RedisStatus,
    private readonly settings: Settings,
    private readonly database: DatabaseStatus,
  ) {}

  @Get()
  @NoStore()
  matrix() {
    const rows = this.status.all();
    return {
      profile: this.settings.profile,
      connections: rows.reduce((sum, row) => sum + connectionsOf(row), 0),
      required: this.status.required,
      purposes: rows.map(rowOf),
      ...(this.database.active ? { sql: sqlRowOf(this.database) } : {}),
    };
  }
}

/** A lane is one connection, and in a cluster one to each primary. */
function connectionsOf({ lanes, primaries }: PurposeStatus): number {
  return lanes.filter(({ connected }) => connected).length * Math.max(1, primaries.length);
}

function rowOf(row: PurposeStatus) {
  return {
    purpose: row.purpose,
    namespace: row.namespace,
    engine: row.engine,
    address: row.address,
    topology: row.topology,
    primaries: row.primaries,
    source: row.source,
    user: row.user,
    db: row.db,
    ...(row.serverVersion === undefined ? {} : { server_version: row.serverVersion }),
    isolation: row.isolation,
    shared_with: row.sharedWith,
    lanes: row.lanes.map(({ lane, connected, inFlight }) => ({ lane, connected, in_flight: inFlight })),
    outage: row.outage,
    state: row.state,
    ...(row.reason === undefined ? {} : { reason: row.reason }),
    since: new Date(row.sinceMs).toISOString(),
    proofs: row.proofs,
  };
}

/** SQL has shares instead of lanes: how many connections each feature may use, and does. */
function sqlRowOf(status: DatabaseStatus) {
  const row = status.snapshot();
  return {
    engine: row.engine,
    address: row.address,
    source: row.source,
    ...(row.user === undefined ? {} : { user: row.user }),
    tls: row.tls,
    ...(row.serverVersion === undefined ? {} : { server_version: row.serverVersion }),
    connections: row.connections,
    shares: row.features.map(({ feature, most, inUse, waiting }) => ({
      feature,
      connections: most,
      in_use: inUse,
      waiting,
    })),
    outage: 'closed',
    required: status.required,
    state: row.state,
    ...(row.reason === undefined ? {} : { reason: row.reason, detail: row.detail }),
    since: new Date(row.sinceMs).toISOString(),
  };
}
