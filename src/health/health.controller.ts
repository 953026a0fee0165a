import { Controller, Get, Param, Req, Res, ServiceUnavailableException } from '@nestjs/common';
import { HealthCheckService, type HealthCheckStatus } from '@nestjs/terminus';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { NoStore, OpsAccess } from '../http/index.js';
import { CompartmentHealth } from './compartment.health.js';
import { UnknownPurposeError } from './health.errors.js';
import { ShutdownState } from './shutdown-state.js';

/** The purpose that rate limiting counts on. */
const RATE_LIMIT = 'rateLimit';

/**
 * Liveness asks whether a restart would help, readiness whether to send requests here. A lost compartment is no
 * reason for either: all replicas share each server, so the answer is 200 with the loss visible, until a
 * required compartment or every one of them is gone.
 */
@Controller()
export class HealthController {
  constructor(
    private readonly terminus: HealthCheckService,
    private readonly compartments: CompartmentHealth,
    private readonly shutdown: ShutdownState,
    private readonly ops: OpsAccess,
  ) {}

  @Get('livez')
  @NoStore()
  livez() {
    return { status: 'ok' };
  }

  @Get('readyz')
  @NoStore()
  async readyz(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const status = await this.verdict();
    reply.status(status === 'ok' || status === 'degraded' ? 200 : 503);
    const detailed = this.ops.allows(request);
    const purposes = this.compartments.reports(detailed);
    return { status, purposes, ...(detailed ? { rate_limit: this.compartments.counting() } : {}) };
  }

  @Get('readyz/:purpose')
  @NoStore()
  readyzOf(
    @Param('purpose') purpose: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const detailed = this.ops.allows(request);
    const report = this.compartments.report(purpose, detailed);
    if (!report) throw new UnknownPurposeError();
    const status = this.shutdown.active ? 'shutting_down' : report.status;
    reply.status(status === 'up' || status === 'degraded' ? 200 : 503);
    const counts = detailed && purpose === RATE_LIMIT ? { rate_limit: this.compartments.counting() } : {};
    return { purpose, ...report, status, ...counts };
  }

  private async verdict(): Promise<HealthCheckStatus> {
    if (this.shutdown.active) return 'shutting_down';
    try {
      return (await this.terminus.check(this.compartments.checks)).status;
    } catch (error) {
      // Terminus says "not ready" by an exception whose body would not survive the problem filter.
      if (!(error instanceof ServiceUnavailableException)) throw error;
      return Reflect.get(Object(error.getResponse()), 'status') as HealthCheckStatus;
    }
  }
}
