import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { LONGEST_SCOPE } from './service-scopes.js';
import type { TokenWish } from './signed-request.js';

const NAME = /^[a-z][a-z0-9-]{1,62}$/;
const SCOPE = /^[a-z][a-z0-9-]{0,31}(?::[a-z][a-z0-9-]{0,31}){0,3}$/;
const MOST_SCOPES = 32;

export class ServiceTokenDto implements TokenWish {
  @IsString()
  @Matches(NAME)
  account!: string;

  @IsUUID()
  tenant_id!: string;

  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MOST_SCOPES)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(LONGEST_SCOPE, { each: true })
  @Matches(SCOPE, { each: true })
  scopes!: string[];

  @IsInt()
  @Min(1)
  @Max(60)
  lifetime_minutes!: number;
}

export class NewServiceAccountDto {
  @IsString()
  @Matches(NAME)
  name!: string;

  @IsUUID()
  tenant_id!: string;

  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MOST_SCOPES)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(LONGEST_SCOPE, { each: true })
  @Matches(SCOPE, { each: true })
  scopes!: string[];

  /** Ed25519, SPKI PEM; left out: its requests are signed in Vault. */
  @IsOptional()
  @IsString()
  @Length(1, 1024)
  public_key?: string | null;
}

class PartDto {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  limit?: number;

  /** `next_cursor` of the page before. */
  @IsOptional()
  @IsUUID()
  cursor?: string;
}

export class AccountsPageDto extends PartDto {
  @IsUUID()
  tenant_id!: string;
}

export class TokensPageDto extends PartDto {
  @IsUUID()
  account_id!: string;
}
