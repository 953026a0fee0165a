import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { hasEnded, onRequestEnd } from '../../http/index.js';
import type { RequestRecord } from '../../telemetry/index.js';
import type { ExtractorTable } from '../http/extractors.js';
import { RateLimitExceededError } from '../http/rate-limit.errors.js';
import { RateLimitFields } from '../http/rate-limit.headers.js';
import type { Subjects } from '../policies/policy.js';
import { RATE_LIMIT_OPTIONS, type RateLimitModuleOptions } from '../rate-limit.options.js';
import { quotaExtractors } from './quota-extractors.js';
import type { StreamDecision } from './stream-decision.js';
import { ClientGoneError, StreamDeniedError } from './stream-quota.errors.js';
import { joined, streamFields } from './stream-quota.headers.js';
import { STREAM_QUOTA } from './stream-quota.metadata.js';
import type { StreamQuotaName } from './stream-quotas.table.js';
import { StreamQuotas } from './stream-quotas.js';

/** Requests that are counted. Shared by all guards, since a guard bound twice may be two instances. */
const counted = new WeakSet<object>();

/** Opens a lease for the request and closes it with the connection of the answer, whatever the handler does. */
@Injectable()
export class StreamQuotaGuard implements CanActivate {
  private readonly extractors: ExtractorTable;

  constructor(
    private readonly quotas: StreamQuotas,
    private readonly reflector: Reflector,
    @Inject(RATE_LIMIT_OPTIONS) { extractors }: RateLimitModuleOptions,
  ) {
    this.extractors = quotaExtractors(extractors);
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const targets = [context.getHandler(), context.getClass()];
    const name = this.reflector.getAllAndOverride<StreamQuotaName | undefined>(STREAM_QUOTA, targets);
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (name === undefined || counted.has(request.raw)) return true;
    counted.add(request.raw);

    const { lease, decision } = await this.quotas.open(name, this.subjectsOf(name, request));
    note(request.record, name, decision);
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    if (!lease) throw denial(decision);
    // It may have left while it was counted, and then nobody says so any more.
    if (hasEnded(request, reply)) {
      lease.close();
      throw new ClientGoneError();
    }
    onRequestEnd(request, reply, lease.close);
    tell(reply, decision);
    return true;
  }

  private subjectsOf(name: string, request: FastifyRequest): Subjects {
    const subjects: Record<string, string | undefined> = {};
    for (const dimension of this.quotas.dimensionsOf(name))
      subjects[dimension] = this.extractors[dimension]?.of(request);
    return subjects as Subjects;
  }
}

function denial(decision: StreamDecision): Error {
  const { connects } = decision;
  return connects && !connects.allowed
    ? new RateLimitExceededError(connects)
    : new StreamDeniedError(decision);
}

/** Of the policies for opening streams; keeps what their decisions have in common. */
const fields = new RateLimitFields();

/** Beside what the reply says already about other limits. */
function tell(reply: FastifyReply, decision: StreamDecision): void {
  const { policy, limit } = streamFields(decision);
  const { connects } = decision;
  const list = (name: string, before: string | undefined, own: string): string =>
    joined(reply.getHeader(name)?.toString(), before, own);
  void reply.headers({
    'ratelimit-policy': list('ratelimit-policy', connects && fields.policy(connects), policy),
    ratelimit: list('ratelimit', connects && fields.limits(connects), limit),
  });
}

/** For the one line that the request will log; the record is there only behind the HTTP door of this house. */
function note(record: RequestRecord | undefined, quota: string, decision: StreamDecision): void {
  if (!record) return;
  const { backend, state, degraded, connects } = decision;
  record.rlBackend = backend;
  record.rateLimitState = state;
  if (degraded) record.rateLimitDegraded = true;
  // The name of what was declared, as for other limits: that of the policy for opening streams only where it denied.
  record.rateLimitPolicy = (connects?.allowed === false && connects.meters[0]?.limit.policy) || quota;
}
