import { Module, type OnModuleDestroy } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { ConfigModule } from '../config/index.js';
import { DatabaseModule } from '../database/index.js';
import { HttpModule } from '../http/index.js';
import { RateLimitModule } from '../rate-limit/index.js';
import { RedisModule } from '../redis/index.js';
import { LogSettings } from '../telemetry/index.js';
import { CompartmentHealth } from './compartment.health.js';
import { HealthController } from './health.controller.js';
import { IsolationController } from './isolation.controller.js';
import { MetricsController } from './metrics.controller.js';
import { RateLimitGauges } from './rate-limit-gauges.js';
import { RedisGauges } from './redis-gauges.js';
import { RedisHealth } from './redis.health.js';
import { ShutdownState } from './shutdown-state.js';
import { SqlGauges } from './sql-gauges.js';
import { SqlHealth } from './sql.health.js';
import { SqlStatusLog } from './sql-status-log.js';
import { StatusLog } from './status-log.js';

/** Probes, metrics and the purpose matrix. It looks at compartments and holds no client of any. */
@Module({
  imports: [
    HttpModule,
    RateLimitModule,
    RedisModule.forInspection(),
    DatabaseModule.forInspection(),
    ConfigModule.forFeature(LogSettings),
    // Silent: Terminus would write an error line for every failed probe; StatusLog writes the changes.
    TerminusModule.forRoot({ logger: false }),
  ],
  controllers: [HealthController, MetricsController, IsolationController],
  providers: [
    CompartmentHealth,
    RedisHealth,
    SqlHealth,
    RedisGauges,
    SqlGauges,
    RateLimitGauges,
    StatusLog,
    SqlStatusLog,
    ShutdownState,
  ],
  exports: [ShutdownState],
})
export class HealthModule implements OnModuleDestroy {
  constructor(private readonly shutdown: ShutdownState) {}

  /** For whoever closes the application without announcing it first. */
  onModuleDestroy(): void {
    this.shutdown.begin();
  }
}
