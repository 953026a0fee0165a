import { IsBoolean, IsOptional, IsString, IsUUID, Length, MaxLength } from 'class-validator';

/** More than any password or token of ours has; what is longer is not looked at. */
const LONGEST_SECRET = 1024;

export class TenantChoiceDto {
  /** The tenant that the access token is for; without it the personal one. */
  @IsOptional()
  @IsUUID()
  tenant_id?: string;
}

export class LoginDto extends TenantChoiceDto {
  @IsString()
  @Length(1, 320)
  email!: string;

  @IsString()
  @Length(1, LONGEST_SECRET)
  password!: string;

  /** Of an earlier login from this device. */
  @IsOptional()
  @IsString()
  @MaxLength(LONGEST_SECRET)
  device_token?: string;

  /** For browsers: the refresh token goes into a cookie that no script reads, and not into the answer. */
  @IsOptional()
  @IsBoolean()
  cookie?: boolean;
}

export class RefreshDto extends TenantChoiceDto {
  /** Left out where it is in the cookie. */
  @IsOptional()
  @IsString()
  @MaxLength(LONGEST_SECRET)
  refresh_token?: string;
}

export class LogoutDto {
  /** For whoever has no access token that still holds. */
  @IsOptional()
  @IsString()
  @MaxLength(LONGEST_SECRET)
  refresh_token?: string;
}

export class TenantSwitchDto {
  @IsUUID()
  tenant_id!: string;
}

export class IntrospectDto {
  @IsString()
  @Length(1, 8192)
  token!: string;
}
