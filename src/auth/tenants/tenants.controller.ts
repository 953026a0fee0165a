import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { Authenticated, CurrentUser, type Identity, RequireScopes, TenantOnly } from '../../access/index.js';
import { IdPipe, NoStore, PageDto } from '../../http/index.js';
import { type Member, type Membership, Tenants } from '../../identity/index.js';
import { SessionsEnd } from '../accounts/sessions-end.js';
import { AuthEvents } from '../auth-events.js';
import { RoleDto, TenantNameDto } from './tenants.dto.js';

/** The tenants of whoever asks. */
@Controller('tenants')
export class TenantsController {
  constructor(
    private readonly tenants: Tenants,
    private readonly events: AuthEvents,
  ) {}

  @Get()
  @NoStore()
  @Authenticated()
  async list(@CurrentUser() { userId }: Identity) {
    return { tenants: (await this.tenants.membershipsOf(userId)).map(tenantOf) };
  }

  @Post()
  @NoStore()
  @RequireScopes('tenant:manage')
  async create(@Body() { name }: TenantNameDto, @CurrentUser() { userId }: Identity) {
    return { id: await this.tenants.create(userId, name) };
  }

  @Patch(':tenantId')
  @HttpCode(204)
  @RequireScopes('tenant:manage')
  @TenantOnly()
  async rename(@Body() { name }: TenantNameDto, @CurrentUser() identity: Identity): Promise<void> {
    await this.tenants.rename(identity, name);
    const { userId, tenantId } = identity;
    this.events.note({ event: 'tenant-rename', result: 'ok', userId, tenantId });
  }
}

/** Who belongs to a tenant. The access token is for this one; SQL is asked what the caller may do in it now. */
@Controller('tenants/:tenantId/members')
@TenantOnly()
export class MembersController {
  constructor(
    private readonly tenants: Tenants,
    private readonly sessions: SessionsEnd,
    private readonly events: AuthEvents,
  ) {}

  @Get()
  @NoStore()
  async list(@CurrentUser() identity: Identity, @Query() { limit = 100, cursor }: PageDto) {
    const members = await this.tenants.membersOf(identity, { limit, after: cursor });
    return {
      members: members.map(memberOf),
      next_cursor: members.length === limit ? members.at(-1)?.userId : null,
    };
  }

  @Patch(':userId')
  @HttpCode(204)
  @RequireScopes('tenant:manage')
  async changeRole(
    @Param('userId', IdPipe) userId: string,
    @Body() { role }: RoleDto,
    @CurrentUser() identity: Identity,
  ): Promise<void> {
    const epoch = await this.tenants.changeRole(identity, userId, role);
    this.note('role-change', userId, identity);
    await this.sessions.olderThan(epoch, userId);
  }

  /** One's own membership, too. */
  @Delete(':userId')
  @HttpCode(204)
  async remove(@Param('userId', IdPipe) userId: string, @CurrentUser() identity: Identity): Promise<void> {
    const epoch = await this.tenants.remove(identity, userId);
    this.note('member-remove', userId, identity);
    await this.sessions.olderThan(epoch, userId);
  }

  private note(
    event: 'role-change' | 'member-remove',
    userId: string,
    { userId: actorId, tenantId }: Identity,
  ): void {
    this.events.note({ event, result: 'ok', userId, tenantId, actorId });
  }
}

function tenantOf({ tenantId, name, personal, role }: Membership) {
  return { id: tenantId, name, personal, role };
}

function memberOf({ userId, email, role, since }: Member) {
  return { user_id: userId, email, role, since: since.toISOString() };
}
