import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { NoStore, OpsOnly } from '../http/index.js';
import { Metrics } from '../telemetry/index.js';
import { RateLimitGauges } from './rate-limit-gauges.js';
import { RedisGauges } from './redis-gauges.js';
import { SqlGauges } from './sql-gauges.js';

@Controller('metrics')
@OpsOnly()
export class MetricsController {
  constructor(
    private readonly metrics: Metrics,
    private readonly redis: RedisGauges,
    private readonly rateLimit: RateLimitGauges,
    private readonly sql: SqlGauges,
  ) {}

  @Get()
  @NoStore()
  async scrape(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    this.redis.refresh();
    this.rateLimit.refresh();
    this.sql.refresh();
    reply.type(this.metrics.registry.contentType);
    return this.metrics.scrape();
  }
}
