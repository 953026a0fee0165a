import { AsyncLocalStorage } from 'node:async_hooks';
import { Controller, Get } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { afterEach, expect, it, vi } from 'vitest';
import { limitedApps } from './limited-app.rig.js';
import { RequestLimits } from './request-limits.js';

afterEach(() => void vi.restoreAllMocks());
const start = limitedApps();
const happened: string[] = [];

@Controller('v1/plain')
class PlainController {
  @Get()
  read(): object {
    happened.push('served');
    return {};
  }
}

/** @param furnish adds hooks before those of the limits */
const open = (furnish: (instance: FastifyInstance) => void = () => undefined) => {
  const adapter = new FastifyAdapter({ trustProxy: true });
  furnish(adapter.getInstance());
  return start({
    controllers: [PlainController],
    policies: { default: { limits: [{ per: 'ip', quota: 1, windowMs: 60_000, burst: 1 }] } },
    adapter,
  });
};

it('whom a limit lets in is served before those who came at the same moment are told their denial', async () => {
  const { app } = await open((instance) =>
    instance.addHook('onSend', (_request, reply, _payload, done) => {
      happened.push(`${reply.statusCode} is sent`);
      done();
    }),
  );
  const from = (address: string) => app.inject({ url: '/v1/plain', headers: { 'x-forwarded-for': address } });
  await from('192.0.2.1');
  happened.length = 0;
  await Promise.all([from('192.0.2.1'), from('192.0.2.2')]);
  expect(happened).toEqual(['served', '200 is sent', '429 is sent']);
});

it('each denial is told in the async context of its own request', async () => {
  const context = new AsyncLocalStorage<string>();
  const { app } = await open((instance) => {
    instance.addHook('onRequest', ({ ip }, _reply, done) => context.run(ip, done));
    instance.addHook('onSend', ({ ip }, reply, _payload, done) => {
      happened.push(`${reply.statusCode} of ${ip} by ${context.getStore()}`);
      done();
    });
  });
  const addresses = ['192.0.2.1', '192.0.2.2', '192.0.2.3'];
  const all = () =>
    Promise.all(addresses.map((ip) => app.inject({ url: '/v1/plain', headers: { 'x-forwarded-for': ip } })));
  await all();
  happened.length = 0;
  await all();
  expect(happened).toEqual(addresses.map((ip) => `429 of ${ip} by ${ip}`));
});

it('a fault while a denial is told is answered with 500, and ends nothing else', async () => {
  const { app } = await open();
  await app.inject({ url: '/v1/plain' });
  vi.spyOn(app.get(RequestLimits), 'deny').mockImplementationOnce(() => {
    throw new TypeError('a fault');
  });
  const answers = await Promise.all([1, 2, 3].map(() => app.inject({ url: '/v1/plain' })));
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([500, 429, 429]);
});
