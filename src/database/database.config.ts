import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { EnvVariable } from '../config/index.js';
import { Secret } from '../kernel/redact.js';
import { parseDurationMs } from '../kernel/time.js';

export class DatabaseSettings {
  static readonly title = 'SQL';

  @EnvVariable('DATABASE_URL', {
    doc: 'PostgreSQL; unset in demo, test and development: an embedded engine',
    example: 'postgres://user@host:5432/bulkhead?sslmode=verify-full',
    file: true,
  })
  @IsOptional()
  url?: Secret;

  @EnvVariable('DATABASE_USERNAME', { doc: 'Role, where the URL does not name it' })
  @IsOptional()
  username?: string;

  @EnvVariable('DATABASE_PASSWORD', {
    doc: 'Password, where the URL does not hold it; its file is read again for every new connection',
    file: true,
  })
  @IsOptional()
  password?: Secret;

  @EnvVariable('DATABASE_TLS_CA_FILE', {
    doc: 'PEM file with the certificate authorities to trust; unset: those of the system',
  })
  @IsOptional()
  tlsCaFile?: string;

  @EnvVariable('DATABASE_TLS_CERT_FILE', {
    doc: 'PEM file with the client certificate, where the server asks for one',
  })
  @IsOptional()
  tlsCertFile?: string;

  @EnvVariable('DATABASE_TLS_KEY_FILE', { doc: 'PEM file with the key of the client certificate' })
  @IsOptional()
  tlsKeyFile?: string;

  @EnvVariable('DATABASE_TLS_SERVERNAME', {
    doc: 'Name to expect in the certificate, where it is not the host of the URL',
  })
  @IsOptional()
  tlsServername?: string;

  @EnvVariable('DATABASE_FOLDER', {
    doc: 'Folder of the embedded engine; unset: .bulkhead/database in development, memory in demo and test',
    example: '.bulkhead/database',
  })
  @IsOptional()
  folder?: string;

  @EnvVariable('DATABASE_REQUIRED', {
    doc: 'true: the application is not ready and does not start without SQL',
    default: 'false',
  })
  required!: boolean;

  @EnvVariable('DATABASE_START_DEADLINE_MS', {
    doc: 'How long the start waits for PostgreSQL and its migrations; then it goes on with SQL closed',
    default: '5000',
    parse: parseDurationMs,
  })
  @IsInt()
  @Min(200)
  @Max(600_000)
  startDeadlineMs!: number;

  @EnvVariable('DATABASE_CONNECT_MS', {
    doc: 'A new connection is there within this, and so is the answer to a probe',
    default: '2000',
    parse: parseDurationMs,
  })
  @IsInt()
  @Min(50)
  @Max(60_000)
  connectMs!: number;

  @EnvVariable('DATABASE_WAIT_MS', {
    doc: 'How long a call waits for a connection while its feature uses all that it may',
    default: '1000',
    parse: parseDurationMs,
  })
  @IsInt()
  @Min(0)
  @Max(60_000)
  waitMs!: number;

  @EnvVariable('DATABASE_STATEMENT_MS', {
    doc: 'A statement is answered or failed within this',
    default: '3000',
    parse: parseDurationMs,
  })
  @IsInt()
  @Min(50)
  @Max(600_000)
  statementMs!: number;

  @EnvVariable('DATABASE_CALL_MS', {
    doc: 'All statements of one call, and what happens between them, end within this',
    default: '10000',
    parse: parseDurationMs,
  })
  @IsInt()
  @Min(100)
  @Max(3_600_000)
  callMs!: number;

  @EnvVariable('DATABASE_PREPARED_STATEMENTS', {
    doc: 'false: behind a pooler of connections that does not keep prepared statements (PgBouncer before 1.21, or without max_prepared_statements)',
    default: 'true',
  })
  preparedStatements!: boolean;

  @EnvVariable('DATABASE_PROBE_INTERVAL_MS', {
    doc: 'Pause between two looks at the server; it is found again about as soon',
    default: '1000',
    parse: parseDurationMs,
  })
  @IsInt()
  @Min(100)
  @Max(60_000)
  probeIntervalMs!: number;
}
