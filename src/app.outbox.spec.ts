import type { FastifyRequest } from 'fastify';
import { NotFoundException } from '@nestjs/common';
import { expect, it } from 'vitest';
import { OutboxController } from './app.outbox.js';
import type { Settings } from './config/index.js';
import { ManualClock } from './kernel/manual-clock.js';
import { KeptMails } from './mail/index.js';

const asked = (profile: string, remoteAddress: string) =>
  new OutboxController(new KeptMails(new ManualClock(), undefined), { profile } as Settings).list({
    raw: { socket: { remoteAddress } },
    headers: { host: '127.0.0.1:3000' },
  } as unknown as FastifyRequest);

it.each([
  ['demo', '192.168.1.7'],
  ['test', '127.0.0.1'],
  ['development', '127.0.0.1'],
])('shows the mails of %s to %s', (profile, address) => {
  expect(asked(profile, address)).toEqual({ mails: [] });
});

it.each([
  ['development', '192.168.1.7'],
  ['staging', '127.0.0.1'],
  ['production', '127.0.0.1'],
])('is not there in %s for %s', (profile, address) => {
  expect(() => asked(profile, address)).toThrow(NotFoundException);
});
