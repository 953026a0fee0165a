import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Authenticated, CurrentUser, type Identity, RequireScopes, TenantOnly } from '../../access/index.js';
import { IdPipe, NoStore, PageDto } from '../../http/index.js';
import { type Invitation, Invitations } from '../../identity/index.js';
import { AuthEvents } from '../auth-events.js';
import { plausibleEmail } from '../accounts/plausible-email.js';
import { FlowGate } from '../throttle/flow-gate.js';
import { InvitationAcceptance } from './invitation-acceptance.js';
import { InvitationFlow } from './invitation-flow.js';
import { AcceptDto, InviteDto } from './tenants.dto.js';

/** Asking others into a tenant. */
@Controller('tenants/:tenantId/invitations')
@RequireScopes('tenant:manage')
@TenantOnly()
export class InvitationsController {
  constructor(
    private readonly flow: InvitationFlow,
    private readonly invitations: Invitations,
    private readonly gate: FlowGate,
    private readonly events: AuthEvents,
  ) {}

  @Post()
  @HttpCode(202)
  @NoStore()
  async invite(@Body() { email, role }: InviteDto, @CurrentUser() identity: Identity) {
    const address = plausibleEmail('email', email);
    const { userId, tenantId } = identity;
    const subjects = { user: userId, tenant: tenantId, account: address.key };
    const { id } = await this.gate.spendFor('invite', subjects, () =>
      this.flow.invite(identity, address, role),
    );
    this.events.note({ event: 'invite', result: 'ok', userId, tenantId });
    return { id };
  }

  @Get()
  @NoStore()
  async list(@CurrentUser() identity: Identity, @Query() { limit = 100, cursor }: PageDto) {
    const open = await this.invitations.list(identity, { limit, after: cursor });
    return {
      invitations: open.map(invitationOf),
      next_cursor: open.length === limit ? open.at(-1)?.id : null,
    };
  }

  @Delete(':id')
  @HttpCode(204)
  async withdraw(@Param('id', IdPipe) id: string, @CurrentUser() identity: Identity): Promise<void> {
    await this.flow.withdraw(identity, id);
    const { userId, tenantId } = identity;
    this.events.note({ event: 'invitation-withdraw', result: 'ok', userId, tenantId });
  }
}

/** Joining the tenant that one was asked into. */
@Controller('invitations')
export class AcceptController {
  constructor(
    private readonly acceptance: InvitationAcceptance,
    private readonly events: AuthEvents,
  ) {}

  @Post('accept')
  @HttpCode(200)
  @NoStore()
  @Authenticated()
  async accept(@Body() { token }: AcceptDto, @CurrentUser() { userId }: Identity) {
    const { tenantId, role } = await this.acceptance.perform(token, userId);
    this.events.note({ event: 'invitation-accept', result: 'ok', userId, tenantId });
    return { tenant_id: tenantId, role };
  }
}

function invitationOf({ id, emailKey, role, expiresAt }: Invitation) {
  return { id, email: emailKey, role, expires_at: expiresAt.toISOString() };
}
