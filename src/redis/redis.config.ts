import { IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { parseDurationMs } from '../kernel/time.js';
import { Secret } from '../kernel/redact.js';
import { EnvVariable } from '../config/index.js';

/** Settings that hold for every purpose. */
export class RedisSettings {
  static readonly title = 'Redis, all purposes';

  @EnvVariable('REDIS_URL', {
    doc: 'Server for every purpose that has no URL of its own',
    example: 'redis://127.0.0.1:6379',
    file: true,
  })
  @IsOptional()
  url?: Secret;

  @EnvVariable('REDIS_TLS', {
    doc: 'true: connect with TLS even where a URL says redis://',
    default: 'false',
  })
  tls!: boolean;

  @EnvVariable('REDIS_ENGINE', {
    doc: 'embedded: an in-process engine for every purpose; refused in staging and production',
    example: 'embedded',
  })
  @IsOptional()
  @IsIn(['embedded', 'redis'])
  engine?: 'embedded' | 'redis';

  @EnvVariable('READINESS_REQUIRED_PURPOSES', {
    doc: 'Purposes without which the application is not ready and does not start, separated by commas',
    example: 'authCache,securityTokens',
    default: '',
    parse: (text) =>
      text
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean),
  })
  requiredPurposes: string[] = [];

  @EnvVariable('REDIS_START_DEADLINE_MS', {
    doc: 'How long the start waits for servers that do not answer',
    default: '5000',
    parse: parseDurationMs,
  })
  @IsInt()
  @Min(200)
  @Max(120_000)
  startDeadlineMs!: number;

  @EnvVariable('REDIS_RETRY_CAP_MS', {
    doc: 'Longest pause between two attempts to reconnect; in the first two seconds of an outage 800ms at most',
    default: '1800',
    parse: parseDurationMs,
  })
  @IsInt()
  @Min(100)
  @Max(60_000)
  retryCapMs!: number;

  @EnvVariable('REDIS_PROBE_INTERVAL_MS', {
    doc: 'Pause between two write probes of a purpose',
    default: '1000',
    parse: parseDurationMs,
  })
  @IsInt()
  @Min(100)
  @Max(60_000)
  probeIntervalMs!: number;

  @EnvVariable('REDIS_CREDENTIALS_CHECK_MS', {
    doc: 'Pause between two looks at the files with URLs, passwords and certificates; SIGHUP looks at once',
    default: '5000',
    parse: parseDurationMs,
  })
  @IsInt()
  @Min(200)
  @Max(3_600_000)
  credentialsCheckMs!: number;
}

/** Settings of one purpose; every name below is put behind the stem of its row. */
export class PurposeSettings {
  static readonly title = 'Redis of one purpose';

  @EnvVariable('_URL', {
    doc: 'Server of this purpose; unset: REDIS_URL',
    example: 'rediss://user@host:6379/0',
    file: true,
  })
  @IsOptional()
  url?: Secret;

  @EnvVariable('_USERNAME', { doc: 'ACL user, where the URL does not name it' })
  @IsOptional()
  username?: string;

  @EnvVariable('_PASSWORD', { doc: 'Password, where the URL does not hold it', file: true })
  @IsOptional()
  password?: Secret;

  @EnvVariable('_TLS_CA_FILE', {
    doc: 'PEM file with the certificate authorities to trust; unset: those of the system',
  })
  @IsOptional()
  tlsCaFile?: string;

  @EnvVariable('_TLS_CERT_FILE', {
    doc: 'PEM file with the client certificate, where the server asks for one',
  })
  @IsOptional()
  tlsCertFile?: string;

  @EnvVariable('_TLS_KEY_FILE', { doc: 'PEM file with the key of the client certificate' })
  @IsOptional()
  tlsKeyFile?: string;

  @EnvVariable('_TLS_SERVERNAME', {
    doc: 'Name to expect in the certificate, where it is not the host of the URL',
  })
  @IsOptional()
  tlsServername?: string;

  @EnvVariable('_TOPOLOGY', {
    doc: 'How the servers are arranged: standalone, sentinel (the URL names a Sentinel) or cluster',
    default: 'standalone',
  })
  @IsIn(['standalone', 'sentinel', 'cluster'])
  topology!: 'standalone' | 'sentinel' | 'cluster';

  @EnvVariable('_NODES', {
    doc: 'The other Sentinels, or other nodes of the cluster, beside the one in the URL',
    example: 'host-2:26379,host-3:26379',
  })
  @IsOptional()
  nodes?: string;

  @EnvVariable('_SENTINEL_NAME', { doc: 'Name that the Sentinels know the primary by', example: 'mymaster' })
  @IsOptional()
  sentinelName?: string;

  @EnvVariable('_SENTINEL_USERNAME', { doc: 'ACL user at the Sentinels, where they ask for one' })
  @IsOptional()
  sentinelUsername?: string;

  @EnvVariable('_SENTINEL_PASSWORD', { doc: 'Password at the Sentinels, where they ask for one', file: true })
  @IsOptional()
  sentinelPassword?: Secret;

  @EnvVariable('_WAIT_REPLICAS', {
    doc: 'Replicas that must have a write before it counts; unset: 1 with sentinel or cluster where a lost write does harm',
    example: '1',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(5)
  waitReplicas?: number;

  @EnvVariable('_COMMAND_MS', {
    doc: 'A call is answered or failed within this; unset: what the purpose has by default',
    example: '100ms',
    parse: parseDurationMs,
  })
  @IsOptional()
  @IsInt()
  @Min(5)
  @Max(10_000)
  commandMs?: number;

  @EnvVariable('_OUTAGE', {
    doc: 'closed: answer 503 where the purpose would degrade; there is no laxer value',
  })
  @IsOptional()
  @IsIn(['closed'])
  outage?: 'closed';
}

/** Asked of purposes that must not lose what they acknowledged; the stem is the row's without `_REDIS`. */
export class DurabilitySettings {
  static readonly title = 'Durability';

  @EnvVariable('_DURABILITY', {
    doc: 'Who keeps acknowledged writes where the server does not show its AOF: aof or provider',
    example: 'provider',
  })
  @IsOptional()
  @IsIn(['aof', 'provider'])
  durability?: 'aof' | 'provider';
}

/** Stem of the durability variable: BILLING_EVENTS_REDIS gives BILLING_EVENTS. */
export function durabilityStem(env: string): string {
  return env.replace(/_REDIS$/, '');
}
