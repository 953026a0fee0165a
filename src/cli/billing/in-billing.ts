import { type INestApplicationContext, Module } from '@nestjs/common';
import { BillingLogSettings } from '../../billing/log/billing-log.config.js';
import { EventLogModule } from '../../billing/log/event-log.module.js';
import { BackfillSettings } from '../../billing/ops/ops.config.js';
import { AlreadyRunningError } from '../../billing/ops/ops.errors.js';
import { BackfillStore } from '../../billing/ops/backfill/backfill-store.js';
import { DeadLetters } from '../../billing/ops/dead-letters.js';
import { Lag } from '../../billing/ops/lag.js';
import { opsProviders } from '../../billing/ops/ops.providers.js';
import { Projection } from '../../billing/projector/projection.js';
import { ProjectorSettings } from '../../billing/projector/projector.config.js';
import { projectorStream } from '../../billing/projector/projector-group.js';
import { CUSTOMERS_DATABASE, CustomerTenants } from '../../billing/webhook/customer-tenants.js';
import { Ingest } from '../../billing/webhook/ingest.js';
import { ConfigModule } from '../../config/index.js';
import { DatabaseModule, SQL_PURPOSE } from '../../database/index.js';
import { IdentityModule } from '../../identity/index.js';
import type { AppError } from '../../kernel/errors.js';
import { redactText } from '../../kernel/redact.js';
import { RedisModule } from '../../redis/index.js';
import { TelemetryModule } from '../../telemetry/index.js';
import { type CliContext, type ExitCode, UsageError } from '../cli-context.js';
import { type Container, inContainer } from '../in-container.js';

/** As the projector has it: both are one share. */
const CONNECTIONS = 4;

/** Billing without what works in the background: a command is no instance of the application. */
@Module({
  imports: [
    TelemetryModule,
    RedisModule.forRoot(),
    RedisModule.forPurpose('billingEvents'),
    DatabaseModule.forRoot(),
    DatabaseModule.forInspection(),
    DatabaseModule.forFeature('billing', { connections: CONNECTIONS }),
    DatabaseModule.forFeature(CUSTOMERS_DATABASE.name, { connections: CUSTOMERS_DATABASE.connections }),
    ConfigModule.forFeature(BillingLogSettings),
    ConfigModule.forFeature(BackfillSettings),
    ConfigModule.forFeature(ProjectorSettings),
    EventLogModule,
    IdentityModule,
  ],
  providers: [Projection, projectorStream, CustomerTenants, Ingest, ...opsProviders],
})
class BillingCommandModule {}

/** What shows where billing stands: Redis alone. */
@Module({
  imports: [
    TelemetryModule,
    RedisModule.forRoot(),
    RedisModule.forPurpose('billingEvents'),
    ConfigModule.forFeature(BillingLogSettings),
    ConfigModule.forFeature(BackfillSettings),
    ConfigModule.forFeature(ProjectorSettings),
    EventLogModule,
  ],
  providers: [projectorStream, BackfillStore, DeadLetters, Lag],
})
class BillingLookModule {}

type Work = (billing: INestApplicationContext) => Promise<ExitCode>;

/**
 * Runs a command on the servers of the application.
 *
 * @returns what `work` gives; of an error that people can do something about, its exit code, after it was printed
 */
export function inBilling(context: CliContext, work: Work): Promise<ExitCode> {
  return inHouse(context, { module: BillingCommandModule }, work);
}

/** As `inBilling`, with EventLog, DeadLetters and Lag only, and without SQL: it may be away. */
export function lookAtBilling(context: CliContext, work: Work): Promise<ExitCode> {
  return inHouse(context, { module: BillingLookModule, withoutSql: true }, work);
}

async function inHouse(
  { application, output }: CliContext,
  wanted: Pick<Container, 'module' | 'withoutSql'>,
  work: Work,
): Promise<ExitCode> {
  const house = await application();
  const started = await house.start();
  if ('refusal' in started) {
    output.err(redactText(started.refusal.report()));
    return started.refusal.exitCode;
  }
  const { modules, settings } = started;
  if (RedisModule.usesEmbeddedEngine(modules, settings))
    throw new UsageError(
      'the Redis of this profile lives in the memory of one process, and this is another one; set BILLING_EVENTS_REDIS_URL',
    );
  // Somebody else is at it: later it goes, as with a server that is away.
  const passes = (error: AppError) => error instanceof AlreadyRunningError;
  return inContainer({ ...wanted, settings, output, passes, remedyOf }, work);
}

/** A compartment went away while the command was at work. */
function remedyOf({ extensions }: AppError): string | undefined {
  if (extensions['purpose'] === SQL_PURPOSE)
    return 'Its server is that of DATABASE_URL: see that it runs and can be reached from here, and give the command again.';
  if (extensions['purpose'] !== 'billingEvents') return undefined;
  return (
    'Its server is that of BILLING_EVENTS_REDIS_URL, or REDIS_URL: `redis check --purpose billingEvents` says what is wrong ' +
    'with it.'
  );
}
