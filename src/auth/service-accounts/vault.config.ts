import { IsOptional, Matches, Max, MaxLength, Min } from 'class-validator';
import {
  EnvVariable,
  type Fault,
  type RuleContext,
  type SettingsRules,
  isLocal,
} from '../../config/index.js';
import { parseDurationMs } from '../../kernel/time.js';

/** Vault Transit, which verifies the requests of service accounts that have no key of their own here. */
export class VaultSettings implements SettingsRules {
  static readonly title = 'Vault Transit';

  @EnvVariable('VAULT_ADDR', {
    doc: 'Vault that verifies requests of service accounts without a registered key; https outside demo, test and development',
    example: 'https://vault.example.com:8200',
    parse: parseVaultAddress,
  })
  @IsOptional()
  address?: URL;

  @EnvVariable('VAULT_TOKEN_FILE', {
    doc: 'File with a Vault token that may verify with VAULT_TRANSIT_KEY; read for each verification, so that it may be renewed',
    example: '/run/secrets/vault-token',
  })
  @IsOptional()
  @MaxLength(4096)
  tokenFile?: string;

  @EnvVariable('VAULT_TRANSIT_KEY', {
    doc: 'Name of the Transit key that service accounts sign with',
    example: 'service-accounts',
  })
  @IsOptional()
  @Matches(/^[A-Za-z0-9][\w.-]{0,99}$/)
  transitKey?: string;

  @EnvVariable('VAULT_TIMEOUT_MS', {
    default: '2s',
    doc: 'Longest wait for an answer of Vault, 100ms to 10s',
    parse: parseDurationMs,
  })
  @Min(100)
  @Max(10_000)
  timeoutMs!: number;

  rules({ profile, settings }: RuleContext): readonly Fault[] {
    const { address, tokenFile, transitKey } = settings.of(VaultSettings);
    const faults: Fault[] = [];
    const given = { VAULT_ADDR: address, VAULT_TOKEN_FILE: tokenFile, VAULT_TRANSIT_KEY: transitKey };
    const missing = Object.entries(given).filter(([, value]) => value === undefined);
    if (missing.length > 0 && missing.length < 3) {
      const rule = 'must be set where one of VAULT_ADDR, VAULT_TOKEN_FILE and VAULT_TRANSIT_KEY is';
      const remedy = 'Set all three, or none of them';
      faults.push(...missing.map(([variable]) => ({ variable, rule, remedy })));
    }
    if (address && address.protocol !== 'https:' && !isLocal(profile)) {
      const rule = `must be an https address in ${profile}, since a token is sent there`;
      faults.push({ variable: 'VAULT_ADDR', rule, remedy: 'Give the https address of Vault' });
    }
    return faults;
  }
}

function parseVaultAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw new Error('must be an http or https address');
  if (url.username || url.password || url.pathname !== '/' || url.search || url.hash)
    throw new Error('must be scheme, host and port only');
  return url;
}
