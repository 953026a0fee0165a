import { Controller, Get } from '@nestjs/common';
import { CurrentUser, type Identity, RequireScopes } from '../../access/index.js';
import { NoStore } from '../../http/index.js';
import { type Snapshot, Snapshots } from './snapshots.js';

/** The billing of whoever asks: always of the tenant that the token is for, whatever else the request says. */
@Controller('billing/snapshot')
@RequireScopes('billing:read')
export class SnapshotController {
  constructor(private readonly snapshots: Snapshots) {}

  @Get()
  @NoStore()
  snapshot(@CurrentUser() { tenantId }: Identity): Promise<Snapshot> {
    return this.snapshots.of(tenantId);
  }
}
