import { IsIn, IsString, Length } from 'class-validator';
import { ROLES, type Role } from '../../identity/index.js';

export class TenantNameDto {
  @IsString()
  @Length(1, 200)
  name!: string;
}

export class RoleDto {
  @IsIn(ROLES)
  role!: Role;
}

export class InviteDto extends RoleDto {
  @IsString()
  @Length(1, 320)
  email!: string;
}

export class AcceptDto {
  @IsString()
  @Length(1, 1024)
  token!: string;
}
