import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { CurrentUser, type Identity, RequireScopes } from '../../access/index.js';
import { NoStore } from '../../http/index.js';
import { type ServiceAccount, ServiceAccounts } from '../../identity/index.js';
import { AuthEvents } from '../auth-events.js';
import { ServiceAccountChanges } from './service-account-changes.js';
import { ServiceAccountEnds, ServiceAccountRegister } from './service-account-acts.js';
import { AccountsPageDto, NewServiceAccountDto, PublicKeyDto } from './service-accounts.dto.js';

/** Service accounts, for administrators of the installation. */
@Controller('service-accounts')
@RequireScopes('service-accounts:admin')
export class ServiceAccountsController {
  constructor(
    private readonly register: ServiceAccountRegister,
    private readonly accounts: ServiceAccounts,
  ) {}

  @Post()
  @HttpCode(201)
  @NoStore()
  async add(@Body() { name, tenant_id: tenantId, scopes, public_key }: NewServiceAccountDto) {
    const publicKey = public_key ?? undefined;
    return accountOf(await this.register.add({ name, tenantId, scopes, publicKey }));
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
    private readonly ends: ServiceAccountEnds,
    private readonly changes: ServiceAccountChanges,
    private readonly events: AuthEvents,
  ) {}

  /** Disables it: its name is not free again, and what it did can still be looked up. */
  @Delete()
  @HttpCode(204)
  async disable(@Param('id') id: string, @CurrentUser() { userId: actorId }: Identity): Promise<void> {
    await this.ends.disable(id, actorId);
    this.events.note({ event: 'service-account-disabled', result: 'ok', userId: id, actorId });
  }

  /** Its requests for tokens are accepted again; tokens that ended stay ended. */
  @Post('enable')
  @HttpCode(204)
  async enable(@Param('id') id: string, @CurrentUser() { userId: actorId }: Identity): Promise<void> {
    await this.changes.enable(id, actorId);
    this.events.note({ event: 'service-account-enabled', result: 'ok', userId: id, actorId });
  }

  /** Its requests are verified by this key from now on; its tokens end. */
  @Put('public-key')
  @HttpCode(204)
  async replaceKey(
    @Param('id') id: string,
    @Body() { public_key }: PublicKeyDto,
    @CurrentUser() { userId: actorId }: Identity,
  ): Promise<void> {
    await this.changes.replaceKey(id, public_key, actorId);
    this.events.note({ event: 'service-account-key', result: 'ok', userId: id, actorId });
  }
}

function accountOf({ id, name, tenantId, scopes, publicKey, disabled }: ServiceAccount) {
  const signedBy = publicKey === undefined ? 'vault' : 'ed25519';
  return { id, name, tenant_id: tenantId, scopes, signed_by: signedBy, disabled };
}
