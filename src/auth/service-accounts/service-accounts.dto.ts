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
import {
  LONGEST_SCOPE,
  MOST_SERVICE_SCOPES,
  SERVICE_ACCOUNT_NAME,
  SERVICE_SCOPE,
} from '../../identity/index.js';
import type { TokenWish } from './signed-request.js';

const NAME_FORM = '2 to 63 lower-case letters, digits and hyphens, a letter first';

/** Where, and what for. */
class GrantDto {
  @IsUUID()
  tenant_id!: string;

  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MOST_SERVICE_SCOPES)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(LONGEST_SCOPE, { each: true })
  @Matches(SERVICE_SCOPE, { each: true, message: 'a scope such as invoices:read' })
  scopes!: string[];
}

export class ServiceTokenDto extends GrantDto implements TokenWish {
  @IsString()
  @Matches(SERVICE_ACCOUNT_NAME, { message: NAME_FORM })
  account!: string;

  @IsInt()
  @Min(1)
  @Max(60)
  lifetime_minutes!: number;
}

export class NewServiceAccountDto extends GrantDto {
  @IsString()
  @Matches(SERVICE_ACCOUNT_NAME, { message: NAME_FORM })
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
