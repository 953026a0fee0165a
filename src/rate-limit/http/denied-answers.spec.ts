import { Controller, Get } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
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

const open = () => {
  const adapter = new FastifyAdapter({ trustProxy: true });
  adapter.getInstance().addHook('onSend', (_request, reply, _payload, done) => {
    happened.push(`${reply.statusCode} is sent`);
    done();
  });
  return start({
    controllers: [PlainController],
    policies: { default: { limits: [{ per: 'ip', quota: 1, windowMs: 60_000, burst: 1 }] } },
    adapter,
  });
};

it('whom a limit lets in is served before those who came at the same moment are told their denial', async () => {
  const { app } = await open();
  const from = (address: string) => app.inject({ url: '/v1/plain', headers: { 'x-forwarded-for': address } });
  await from('192.0.2.1');
  happened.length = 0;
  await Promise.all([from('192.0.2.1'), from('192.0.2.2')]);
  expect(happened).toEqual(['served', '200 is sent', '429 is sent']);
});

it('a fault while a denial is told is answered with 500, and ends nothing else', async () => {
  const { app } = await open();
  vi.spyOn(app.get(RequestLimits), 'deny').mockImplementationOnce(() => {
    throw new TypeError('a fault');
  });
  const statuses = [];
  for (let at = 0; at < 3; at += 1) statuses.push((await app.inject({ url: '/v1/plain' })).statusCode);
  expect(statuses).toEqual([200, 500, 429]);
});
