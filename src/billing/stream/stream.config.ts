import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { EnvVariable } from '../../config/index.js';
import { Secret } from '../../kernel/redact.js';
import { parseDurationMs } from '../../kernel/time.js';

const MINUTE_MS = 60_000;
const KIB = 1024;
const MIB = 1024 * KIB;

/** The event stream of billing: how long, how many, how much. */
export class BillingStreamSettings {
  static readonly title = 'Billing event stream';

  @EnvVariable('BILLING_STREAM_COOKIE_KEYS', {
    doc: 'Secrets under which the cookies of browser streams are sealed, newest,older: the first seals, all open. A new one stands second until every instance has it',
    file: true,
    ownSecret: 'generated',
    ring: true,
  })
  cookieKeys!: Secret;

  @EnvVariable('BILLING_SSE_HEARTBEAT_MS', {
    default: '15s',
    doc: 'Every open stream is written to, and its session looked at, in this time; below the idle time-outs of proxies. 500ms to 1m',
    parse: parseDurationMs,
  })
  @Min(500)
  @Max(MINUTE_MS)
  heartbeatMs!: number;

  @EnvVariable('BILLING_SSE_MAX_AGE_MS', {
    default: '10m',
    doc: 'A stream ends after this, give or take a fifth, and its client comes back to any instance. 1s to 1d',
    parse: parseDurationMs,
  })
  @Min(1000)
  @Max(24 * 60 * MINUTE_MS)
  maxAgeMs!: number;

  @EnvVariable('BILLING_SSE_MAX_CONNECTIONS', {
    default: '10000',
    doc: 'Streams that one process holds open; further ones are answered with 503',
  })
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  maxConnections!: number;

  @EnvVariable('BILLING_SSE_MAX_PENDING_BYTES', {
    default: '1048576',
    doc: 'A client that has not taken this much of what was written to it is cut off, 64 KiB to 64 MiB',
  })
  @IsInt()
  @Min(64 * KIB)
  @Max(64 * MIB)
  maxPendingBytes!: number;

  @EnvVariable('BILLING_SSE_STALL_MS', {
    default: '30s',
    doc: 'A client that has taken nothing for this long while something waits for it is cut off, 1s to 10m',
    parse: parseDurationMs,
  })
  @Min(1000)
  @Max(10 * MINUTE_MS)
  stallMs!: number;

  @EnvVariable('BILLING_SSE_DRAIN_MS', {
    doc: 'At shutdown the open streams end at random moments of this time, so that their clients do not all come back at once; unset: 5s, or 500ms in local profiles. 0 to 1m',
    example: '5s',
    parse: parseDurationMs,
  })
  @IsOptional()
  @Min(0)
  @Max(MINUTE_MS)
  drainMs?: number;

  @EnvVariable('BILLING_SSE_SOFT_REJECT', {
    default: 'false',
    doc: 'true: a browser that cannot be let in now (429, 503) is told to come again, where an error would close its EventSource for good',
  })
  softReject!: boolean;

  @EnvVariable('BILLING_SSE_SLICE', {
    default: '24',
    doc: 'Streams that are written to before other work has its turn, 1 to 10000',
  })
  @IsInt()
  @Min(1)
  @Max(10_000)
  slice!: number;

  @EnvVariable('BILLING_RING_EVENTS', {
    default: '2048',
    doc: 'Events per tenant that are kept in memory for clients that come back, 1 to 100000',
  })
  @IsInt()
  @Min(1)
  @Max(100_000)
  ringEvents!: number;

  @EnvVariable('BILLING_RING_BYTES', {
    default: '67108864',
    doc: 'Memory for the events of all tenants together, 64 KiB to 4 GiB',
  })
  @IsInt()
  @Min(64 * KIB)
  @Max(4096 * MIB)
  ringBytes!: number;
}
