import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { CurrentUser, type Identity, RequireScopes } from '../../access/index.js';
import { IdPipe, NoStore } from '../../http/index.js';
import { type ServiceAccount, ServiceAccounts } from '../../identity/index.js';
import { AuthEvents } from '../auth-events.js';
import { ServiceAccountLifecycle } from './service-account-lifecycle.js';
import { ServiceAccountRegister } from './service-account-register.js';
import { AccountsPageDto, NewServiceAccountDto, PublicKeyDto } from './service-accounts.dto.js';

/** Service accounts, for administrators of the installation. */
@Controller('service-accounts')
@RequireScopes('service-accounts:admin')
export class ServiceAccountsController {
  constructor(
    private readonly register: ServiceAccountRegister,
    private readonly accounts: ServiceAccounts,
    private readonly events: AuthEvents,
  ) {}

  @Post()
  @HttpCode(201)
  @NoStore()
  async add(
    @Body() { name, tenant_id: tenantId, scopes, public_key }: NewServiceAccountDto,
    @CurrentUser() { userId: actorId }: Identity,
  ) {
    const publicKey = public_key ?? undefined;
    const made = await this.register.add({ name, tenantId, scopes, publicKey }, actorId);
    this.events.note({
      event: 'service-account-created',
      result: 'ok',
      userId: made.id,
      tenantId: made.tenantId,
      actorId,
    });
    return accountOf(made);
  }

  @Get()
  @NoStore()
  async list(@Query() { tenant_id, limit = 100, cursor }: AccountsPageDto) {
    const accounts = await this.accounts.listOf(tenant_id, { limit, after: cursor });
    return {
      service_accounts: accounts.map(accountOf),
      next_cursor: accounts.length === limit ? accounts.at(-1)?.id : null,
    };
  }
}

/** What becomes of one of them. Changes of a key, and ends, end all tokens of the account. */
@Controller('service-accounts/:id')
@RequireScopes('service-accounts:admin')
export class ServiceAccountController {
  constructor(
    private readonly lifecycle: ServiceAccountLifecycle,
    private readonly events: AuthEvents,
  ) {}

  /** Disables it: its name is not free again, and what it did can still be looked up. */
  @Delete()
  @HttpCode(204)
  async disable(
    @Param('id', IdPipe) id: string,
    @CurrentUser() { userId: actorId }: Identity,
  ): Promise<void> {
    await this.lifecycle.disable(id, actorId);
    this.events.note({ event: 'service-account-disabled', result: 'ok', userId: id, actorId });
  }

  /** Its requests for tokens are accepted again; tokens that ended stay ended. */
  @Post('enable')
  @HttpCode(204)
  async enable(@Param('id', IdPipe) id: string, @CurrentUser() { userId: actorId }: Identity): Promise<void> {
    await this.lifecycle.enable(id, actorId);
    this.events.note({ event: 'service-account-enabled', result: 'ok', userId: id, actorId });
  }

  /** Its requests are verified by this key from now on; its tokens end. */
  @Put('public-key')
  @HttpCode(204)
  async replaceKey(
    @Param('id', IdPipe) id: string,
    @Body() { public_key }: PublicKeyDto,
    @CurrentUser() { userId: actorId }: Identity,
  ): Promise<void> {
    await this.lifecycle.replaceKey(id, public_key, actorId);
    this.events.note({ event: 'service-account-key', result: 'ok', userId: id, actorId });
  }
}

function accountOf({ id, name, tenantId, scopes, publicKey, disabled }: ServiceAccount) {
  const signedBy = publicKey === undefined ? 'vault' : 'ed25519';
  return { id, name, tenant_id: tenantId, scopes, signed_by: signedBy, disabled };
}
