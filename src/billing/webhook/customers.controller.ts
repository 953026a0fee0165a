import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { NoStore, OpsOnly } from '../../http/index.js';
import { type CustomerTenant, CustomerTenants } from './customer-tenants.js';
import { CustomerTenantDto } from './customers.dto.js';
import { isCustomerId } from './stripe-event.js';
import { CustomerIdError } from './webhook.errors.js';

/** Whose customer somebody at Stripe is. What was kept before as nobody's stays so until it is replayed. */
@Controller('billing/customers/:customerId')
@OpsOnly()
export class CustomersController {
  constructor(private readonly customers: CustomerTenants) {}

  @Get()
  @NoStore()
  async show(@Param('customerId') customerId: string) {
    return answerOf(await this.customers.find(checked(customerId)));
  }

  @Put()
  @NoStore()
  async assign(@Param('customerId') customerId: string, @Body() { tenant_id }: CustomerTenantDto) {
    return answerOf(await this.customers.assign(checked(customerId), tenant_id));
  }
}

function checked(customerId: string): string {
  if (!isCustomerId(customerId)) throw new CustomerIdError();
  return customerId;
}

function answerOf({ customerId, tenantId, createdAt }: CustomerTenant) {
  return { customer_id: customerId, tenant_id: tenantId, created_at: createdAt.toISOString() };
}
