import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { NoStore, OpsOnly } from '../http/index.js';
import { Metrics } from '../telemetry/index.js';
import { RedisGauges } from './redis-gauges.js';

@Controller('metrics')
@OpsOnly()
export class MetricsController {
  constructor(
    private readonly metrics: Metrics,
    private readonly gauges: RedisGauges,
  ) {}

  @Get()
  @NoStore()
  async scrape(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    this.gauges.refresh();
    reply.type(this.metrics.registry.contentType);
    return this.metrics.registry.metrics();
  }
}
