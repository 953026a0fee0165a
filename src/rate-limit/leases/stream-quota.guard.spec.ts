import { EventEmitter } from 'node:events';
import type { Type } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../kernel/errors.js';
import type { RequestRecord } from '../../telemetry/index.js';
import type { Extractor } from '../http/extractors.js';
import { type RouteAddress, RouteTable } from '../http/route-table.js';
import { PolicyBook } from '../policies/plan.js';
import { quotaExtractors } from './quota-extractors.js';
import { StreamQuota } from './stream-quota.decorator.js';
import { StreamQuotaGuard } from './stream-quota.guard.js';
import { openStreamQuotas } from './stream-quotas.rig.js';
import type { StreamQuotas } from './stream-quotas.js';

class Gateway {
  @StreamQuota('chat')
  counted(): void {}
  plain(): void {}
}

/** Whoever asks anything of it fails the test. What it does with HTTP: test/e2e/stream-quota-http.e2e-spec.ts. */
const nobody = new Proxy({}, { get: (_target, name) => expect.fail(`asked for ${String(name)}`) });

describe('StreamQuotaGuard', () => {
  const guard = new StreamQuotaGuard(nobody as StreamQuotas, new Reflector(), {});
  const context = (kind: string, handler: () => void) => {
    const host = new ExecutionContextHost([{ raw: {} }, {}], Gateway as Type, handler);
    host.setType(kind);
    return host;
  };

  it.each(['ws', 'rpc', 'graphql'])('lets %s pass, which has no connection to count', async (kind) => {
    expect(await guard.canActivate(context(kind, Gateway.prototype.counted))).toBe(true);
  });

  it.each([
    ['HEAD', 'GET /v1/chat'],
    [['GET', 'POST'], 'ALL /v1/chat'],
  ])('tells the route of %s as the limits of routes do', (method, text) => {
    const request = { method: 'GET', routeOptions: { method, url: '/v1/chat' } } as unknown as FastifyRequest;
    expect(quotaExtractors().route?.of(request)).toBe(text);
    const perRoute = { limits: [{ per: 'route', quota: 1, windowMs: 1000, burst: 1 }] } as const;
    const book = new PolicyBook({ default: perRoute });
    const table = new RouteTable({
      book,
      extractors: {},
      declarations: [],
      guard: undefined,
      bystanders: [],
    });
    const address = request.routeOptions as RouteAddress;
    expect(table.ofMethod(Gateway, Gateway.prototype.plain, address)?.values(request)).toEqual([text]);
  });

  it('lets a route pass that declares no quota', async () => {
    expect(await guard.canActivate(context('http', Gateway.prototype.plain))).toBe(true);
  });
});

describe('What StreamQuotaGuard leaves for the log', () => {
  const { streams, blocked } = openStreamQuotas();
  const user: Extractor = { known: 'arrival', of: ({ headers }) => headers['x-user']?.toString() };
  const guard = new StreamQuotaGuard(streams, new Reflector(), { extractors: { user } });

  /** The record of a request, after the guard. */
  async function recordOf(ip: string, name: string): Promise<Partial<RequestRecord>> {
    const record = {};
    const reply = { raw: new EventEmitter(), getHeader: () => undefined, headers: () => undefined };
    const host = new ExecutionContextHost(
      [{ raw: { socket: new EventEmitter() }, record, ip, headers: { 'x-user': name } }, reply],
      Gateway as Type,
      Gateway.prototype.counted,
    );
    await guard.canActivate(host).catch((error: unknown) => {
      if (!(error instanceof AppError)) throw error;
    });
    return record;
  }

  it('is the name of the quota, whichever of its limits decided', async () => {
    for (let n = 0; n < 5; n += 1)
      expect(await recordOf('192.0.2.1', 'ann')).toMatchObject({
        rateLimitState: 'allow',
        rateLimitPolicy: 'chat',
      });
    expect(await recordOf('192.0.2.1', 'ann')).toMatchObject({
      rateLimitState: 'throttle',
      rateLimitPolicy: 'chat',
    });
  });

  it('is the policy for opening streams where that one denied', async () => {
    for (let n = 0; n < 20; n += 1) await recordOf('192.0.2.2', `user-${n}`);
    expect(await recordOf('192.0.2.2', 'bob')).toMatchObject({
      rateLimitState: 'throttle',
      rateLimitPolicy: 'stream-connect',
    });
  });

  it('is the name of the quota for whoever is blocked', async () => {
    blocked['ip'] = 90_000;
    expect(await recordOf('192.0.2.3', 'cid')).toMatchObject({
      rateLimitState: 'block',
      rateLimitPolicy: 'chat',
    });
  });
});
