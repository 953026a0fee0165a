import { Controller, Delete, Get, HttpCode, Param, Query } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { CurrentUser, type Identity, RequireScopes } from '../../access/index.js';
import { type FeatureDatabase, InjectDatabase } from '../../database/index.js';
import { NoStore, PageDto } from '../../http/index.js';
import { maskedTarget } from '../masked-target.js';
import { SealedTargets } from '../sealed-targets.js';
import { StatusEvents } from '../status-events.js';
import { SubscriptionNotFoundError } from '../status.errors.js';
import { type Subscription, SubscriptionStore } from './subscription-store.js';
import { MANAGE_STATUS } from './subscriptions.controller.js';

/** The subscriptions of the tenant of the access token, once their targets have confirmed them. */
@Controller('status/subscriptions')
@RequireScopes(MANAGE_STATUS)
export class TenantSubscriptionsController {
  constructor(
    @InjectDatabase('status') private readonly db: FeatureDatabase,
    private readonly store: SubscriptionStore,
    private readonly targets: SealedTargets,
    private readonly events: StatusEvents,
  ) {}

  @Get()
  @NoStore()
  async list(@CurrentUser() { tenantId }: Identity, @Query() { limit = 100, cursor }: PageDto) {
    const page = { limit, after: cursor };
    const rows = await this.db.run((sql) => this.store.list(sql, tenantId, page));
    return {
      subscriptions: rows.map((row) => this.shown(row)),
      next_cursor: rows.length === limit ? rows.at(-1)?.id : null,
    };
  }

  @Delete(':id')
  @HttpCode(204)
  async remove(@CurrentUser() { tenantId, userId }: Identity, @Param('id') id: string): Promise<void> {
    const gone = isUUID(id) && (await this.db.run((sql) => this.store.remove(sql, tenantId, id)));
    if (!gone) throw new SubscriptionNotFoundError();
    this.events.note('status-delete', { subscription_id: id, tenant_id: tenantId, user_id: userId });
  }

  private shown({ id, channel, severity, target, confirmedAt, failingSince, disabledAt }: Subscription) {
    return {
      id,
      channel,
      severity,
      target: maskedTarget(channel, this.targets.open(target)),
      confirmed_at: confirmedAt?.toISOString() ?? null,
      failing_since: failingSince?.toISOString() ?? null,
      disabled_at: disabledAt?.toISOString() ?? null,
    };
  }
}
