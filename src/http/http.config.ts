import { IsInt, IsNotEmpty, IsOptional, Max, Min } from 'class-validator';
import {
  EnvVariable,
  type Fault,
  type Profile,
  type RuleContext,
  type SettingsRules,
  isLocal,
} from '../config/index.js';
import { Secret } from '../kernel/redact.js';
import { parseDurationMs } from '../kernel/time.js';
import { type TrustProxy, parseTrustProxy, trustsEverybody } from './trust-proxy.js';

/** The HTTP door. The time limits close connections that trickle, so that a slow client holds no socket. */
export class HttpSettings implements SettingsRules {
  static readonly title = 'HTTP';

  @EnvVariable('APP_NAME', { default: 'bulkhead', doc: 'Name of the service in its API description' })
  @IsNotEmpty()
  appName!: string;

  @EnvVariable('PORT', { default: '3000', doc: 'Port to listen on; 0 takes a free one' })
  @IsInt()
  @Min(0)
  @Max(65_535)
  port!: number;

  @EnvVariable('HOST', {
    doc: 'Address to listen on; unset: 127.0.0.1 in demo, test and development, else 0.0.0.0',
    example: '0.0.0.0',
  })
  @IsOptional()
  host?: string;

  @EnvVariable('TRUST_PROXY', {
    default: 'false',
    example: '1',
    doc: 'Proxies whose X-Forwarded-For is believed: their number, or addresses and CIDR ranges',
    parse: parseTrustProxy,
  })
  trustProxy!: TrustProxy;

  @EnvVariable('BODY_LIMIT_BYTES', {
    default: '65536',
    doc: 'Largest accepted request body, 1 KiB to 10 MiB',
  })
  @IsInt()
  @Min(1024)
  @Max(10_485_760)
  bodyLimitBytes!: number;

  @EnvVariable('HEADER_LIMIT_BYTES', {
    default: '16384',
    doc: 'Largest accepted request line and headers together, 4 KiB to 64 KiB',
  })
  @IsInt()
  @Min(4096)
  @Max(65_536)
  headerLimitBytes!: number;

  @EnvVariable('HTTP_REQUEST_TIMEOUT_MS', {
    default: '30000',
    doc: 'A request must have arrived in full within this, 1s to 10m',
    parse: parseDurationMs,
  })
  @Min(1000)
  @Max(600_000)
  requestTimeoutMs!: number;

  @EnvVariable('HTTP_CONNECTION_TIMEOUT_MS', {
    default: '65000',
    doc: 'A connection on which nothing moves for this long is closed, 1s to 10m; event streams send heartbeats',
    parse: parseDurationMs,
  })
  @Min(1000)
  @Max(600_000)
  connectionTimeoutMs!: number;

  @EnvVariable('HTTP_KEEP_ALIVE_TIMEOUT_MS', {
    default: '72000',
    doc: 'An idle connection is kept for this long, 1s to 10m; longer than the load balancer keeps its own',
    parse: parseDurationMs,
  })
  @Min(1000)
  @Max(600_000)
  keepAliveTimeoutMs!: number;

  @EnvVariable('REQUEST_CONTEXT', {
    default: 'true',
    doc: 'false saves some microseconds of CPU per request: no request_id on inner log lines, no Redis use per request',
  })
  followRequests!: boolean;

  @EnvVariable('OPS_TOKEN', {
    file: true,
    ownSecret: 'optional',
    doc: 'Bearer token of operators, at least 32 bytes: for /metrics, /v1/isolation, /v1/rate-limit, incidents, operating billing and the details of /readyz; docs/operators.md lists every address',
  })
  @IsOptional()
  opsToken?: Secret;

  /** A developer's machine is not offered to the network unless somebody says so. */
  listenHost(profile: Profile): string {
    return this.host ?? (isLocal(profile) ? '127.0.0.1' : '0.0.0.0');
  }

  rules({ profile, settings }: RuleContext): readonly Fault[] {
    const http = settings.of(HttpSettings);
    return judgeProxy(http, profile);
  }
}

function judgeProxy(http: HttpSettings, profile: Profile): Fault[] {
  if (!trustsEverybody(http.trustProxy) || profile === 'demo') return [];
  const said = http.trustProxy === true ? 'is true' : 'covers every address';
  return [
    {
      variable: 'TRUST_PROXY',
      rule: `${said}, so that any client chooses the address that rate limits and logs see`,
      remedy: 'Give the number of proxies in front, or their addresses',
    },
  ];
}
