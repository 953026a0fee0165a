import { randomUUID } from 'node:crypto';
import { Controller, Get, type LoggerService, Module, Param, UseGuards } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  AccessCoreModule,
  AccessModule,
  AccessTokens,
  Authenticated,
  CurrentUser,
  EPOCHS,
  type EpochAuthority,
  type Identity,
  RequireScopes,
  Sessions,
  TenantOnly,
  accessExtractors,
} from '../../src/access/index.js';
import { createHttpApp } from '../../src/app.setup.js';
import { JwksController } from '../../src/auth/jwks.controller.js';
import type { Environment } from '../../src/config/index.js';
import { DatabaseModule } from '../../src/database/index.js';
import { HttpModule } from '../../src/http/index.js';
import { RateLimit, RateLimitGuard, RateLimitModule, SkipRateLimit } from '../../src/rate-limit/index.js';
import { RedisTestingModule } from '../../src/redis/index.js';
import { AppError } from '../../src/kernel/errors.js';

export class SqlAway extends AppError {
  readonly code = 'SQL_AWAY';
  readonly status = 503;
  readonly slug = 'compartment-unavailable';
  readonly title = 'A part of the service is unavailable';
}

/** The record of the epochs, in place of SQL: what was committed, and whether it can be asked. */
export class EpochLedger implements EpochAuthority {
  readonly epochs = new Map<string, number>();
  away = false;
  /** Questions so far. */
  asked = 0;
  private gate: Promise<void> = Promise.resolve();

  /** Answers are held back, as they are by now, until the returned function is called. */
  hold(): () => void {
    let open = (): void => undefined;
    this.gate = new Promise((resolve) => (open = resolve));
    return open;
  }

  async epochOf(userId: string): Promise<number | undefined> {
    this.asked += 1;
    if (this.away) throw new SqlAway('SQL is away.');
    const epoch = this.epochs.get(userId);
    await this.gate;
    return epoch;
  }

  bumpEpoch(userId: string): Promise<number> {
    if (this.away) return Promise.reject(new SqlAway('SQL is away.'));
    const epoch = (this.epochs.get(userId) ?? 0) + 1;
    this.epochs.set(userId, epoch);
    return Promise.resolve(epoch);
  }

  newUser(): string {
    const userId = randomUUID();
    this.epochs.set(userId, 1);
    return userId;
  }
}

@Controller('probe')
@Authenticated()
@SkipRateLimit()
class ProbeController {
  @Get('me')
  me(@CurrentUser() identity: Identity): Identity {
    return identity;
  }

  @Get('billing')
  @RequireScopes('billing:read')
  billing(): object {
    return { paid: true };
  }

  @Get('tenants/:tenantId')
  @TenantOnly()
  tenant(@Param('tenantId') id: string): object {
    return { id };
  }
}

/** Limited by who it is, which only the guard of the class knows. */
@Controller('limited')
@Authenticated()
class LimitedController {
  @Get()
  @RateLimit('signup')
  @UseGuards(RateLimitGuard)
  read(): object {
    return {};
  }
}

/** The scopes of the class hold for every route. */
@Controller('admin')
@SkipRateLimit()
@RequireScopes('admin:all')
class AdminController {
  @Get('users')
  @RequireScopes('users:read')
  users(): object {
    return { users: [] };
  }
}

export interface AccessAppOptions {
  readonly env: Environment;
  /** In place of SQL. Unset: the users of the application itself. */
  readonly ledger?: EpochLedger;
}

export interface AccessApp {
  readonly app: NestFastifyApplication;
  readonly sessions: Sessions;
  readonly tokens: AccessTokens;
  /** Fields of the lines that the request log wrote. */
  readonly lines: Record<string, unknown>[];
  readonly get: (path: string, authorization?: string) => ReturnType<NestFastifyApplication['inject']>;
}

/** The HTTP door with sessions on authCache, and routes that ask who it is. */
export async function openAccessApp({ env, ledger }: AccessAppOptions): Promise<AccessApp> {
  const access = ledger
    ? [AccessCoreModule.with({ imports: [], provider: { provide: EPOCHS, useValue: ledger } })]
    : [DatabaseModule.forRoot(), AccessModule];
  const limits = {
    extractors: accessExtractors,
    policies: { signup: { limits: [{ per: 'user', quota: 2, windowMs: 3_600_000, burst: 2 }] } },
  } as const;

  @Module({
    imports: [...access, RateLimitModule],
    controllers: [ProbeController, LimitedController, AdminController, JwksController],
  })
  class Feature {}

  const lines: Record<string, unknown>[] = [];
  const module = RedisTestingModule.forFeatures(
    [HttpModule, RateLimitModule.forRoot(limits), { module: Feature }],
    { env: { REDIS_PROBE_INTERVAL_MS: '100ms', REDIS_RETRY_CAP_MS: '200ms', ...env } },
  );
  const app = await createHttpApp(module, { logger: noting(lines) });
  await app.init();
  const get: AccessApp['get'] = (url, authorization) =>
    app.inject({ url, headers: authorization === undefined ? {} : { authorization } });
  return {
    app,
    sessions: app.get(Sessions, { strict: false }),
    tokens: app.get(AccessTokens, { strict: false }),
    lines,
    get,
  };
}

export interface Login {
  readonly userId: string;
  readonly tenantId: string;
  readonly sessionId: string;
  /** Value of the header. */
  readonly authorization: string;
}

/** A session and an access token for it, as a login makes them. */
export async function logIn(
  { sessions, tokens }: Pick<AccessApp, 'sessions' | 'tokens'>,
  { epoch = 1, scopes = [] as string[], userId = randomUUID() as string, tenantId = randomUUID() as string },
): Promise<Login> {
  const { sessionId } = await sessions.create({ ...newSession(userId), epoch });
  const grant = { userId, tenantId, role: 'owner' as const, scopes, sessionId, epoch };
  return { userId, tenantId, sessionId, authorization: `Bearer ${(await tokens.issue(grant)).token}` };
}

export function newSession(userId: string) {
  return {
    userId,
    address: '192.0.2.77',
    userAgent: 'Mozilla/5.0 (canary-agent)',
    amr: ['pwd'],
    familyId: randomUUID(),
    epoch: 1,
  };
}

function noting(lines: Record<string, unknown>[]): LoggerService {
  const silent = (): void => undefined;
  const log = (message: unknown, ...rest: unknown[]): void => {
    if (message === 'Request') lines.push(rest[0] as Record<string, unknown>);
  };
  return { log, debug: log, warn: silent, error: silent, verbose: silent };
}
