import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CurrentUser, type Identity, RequireScopes } from '../../access/index.js';
import { NoStore } from '../../http/index.js';
import { type ServiceAccount, ServiceAccounts } from '../../identity/index.js';
import { ServiceAccountEnds, ServiceAccountRegister } from './service-account-acts.js';
import { AccountsPageDto, NewServiceAccountDto } from './service-accounts.dto.js';

/** Service accounts, for administrators of the installation. */
@Controller('service-accounts')
@RequireScopes('service-accounts:admin')
export class ServiceAccountsController {
  constructor(
    private readonly register: ServiceAccountRegister,
    private readonly ends: ServiceAccountEnds,
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

  /** Disables it: its name is not free again, and what it did can still be looked up. */
  @Delete(':id')
  @HttpCode(204)
  disable(@Param('id') id: string, @CurrentUser() { userId }: Identity): Promise<void> {
    return this.ends.disable(id, userId);
  }
}

function accountOf({ id, name, tenantId, scopes, publicKey, disabled }: ServiceAccount) {
  const signedBy = publicKey === undefined ? 'vault' : 'ed25519';
  return { id, name, tenant_id: tenantId, scopes, signed_by: signedBy, disabled };
}
