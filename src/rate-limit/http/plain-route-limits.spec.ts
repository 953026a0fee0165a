import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { expect, it } from 'vitest';
import { PlainRoute } from '../../http/index.js';
import type { PolicyTable } from '../policies/policy.js';
import type { Extractor } from './extractors.js';
import { type LimitedAppOptions, limitedApps } from './limited-app.rig.js';
import { RouteLimitError } from './route-faults.js';

const start = limitedApps();

@Controller('v1/plain')
class PlainController {
  @Get()
  @PlainRoute()
  read(@Req() _request: FastifyRequest, @Res() reply: FastifyReply): void {
    void reply.send({});
  }
}

const policies: PolicyTable = {
  default: { limits: [{ per: 'user', quota: 1, windowMs: 60_000, burst: 1 }] },
};
const optionsWhere = (known: Extractor['known']): LimitedAppOptions => ({
  controllers: [PlainController],
  policies,
  extractors: { user: { known, of: () => 'ann' } },
});

it('A plain route is counted by what the head of a request says', async () => {
  const { app } = await start(optionsWhere('arrival'));
  expect((await app.inject('/v1/plain')).statusCode).toBe(200);
  expect((await app.inject('/v1/plain')).statusCode).toBe(429);
});

it('A plain route whose limit only a guard can decide refuses the start', async () => {
  const error = await start(optionsWhere('identity')).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(RouteLimitError);
  expect((error as RouteLimitError).faults).toEqual([
    expect.stringMatching(
      /^PlainController\.read: .* decided by a guard, and @PlainRoute has none; .* remove @PlainRoute$/,
    ),
  ]);
});
