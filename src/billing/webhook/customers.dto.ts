import { IsUUID } from 'class-validator';

export class CustomerTenantDto {
  @IsUUID()
  tenant_id!: string;
}
