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
import { PageDto } from '../../http/index.js';
import { LONGEST_SCOPE } from '../../identity/index.js';
import type { TokenWish } from './signed-request.js';

const NAME = /^[a-z][a-z0-9-]{1,62}$/;
const SCOPE = /^[a-z][a-z0-9-]{0,31}(?::[a-z][a-z0-9-]{0,31}){0,3}$/;
const MOST_SCOPES = 32;

/** Where, and what for. */
class GrantDto {
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
}

export class ServiceTokenDto extends GrantDto implements TokenWish {
  @IsString()
  @Matches(NAME)
  account!: string;

  @IsInt()
  @Min(1)
  @Max(60)
  lifetime_minutes!: number;
}

export class NewServiceAccountDto extends GrantDto {
  @IsString()
  @Matches(NAME)
  name!: string;

  /** Ed25519, SPKI PEM; left out: its requests are signed in Vault. */
  @IsOptional()
  @IsString()
  @Length(1, 1024)
  public_key?: string | null;
}

export class PublicKeyDto {
  /** Ed25519, SPKI PEM. */
  @IsString()
  @Length(1, 1024)
  public_key!: string;
}

export class AccountsPageDto extends PageDto {
  @IsUUID()
  tenant_id!: string;
}

export class TokensPageDto extends PageDto {
  @IsUUID()
  account_id!: string;
}
