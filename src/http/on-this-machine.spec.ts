import type { FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { isOnThisMachine } from './on-this-machine.js';

const asked = (remoteAddress: string | undefined, headers: Record<string, string>) =>
  isOnThisMachine({ raw: { socket: { remoteAddress } }, headers } as unknown as FastifyRequest);

describe('A request from this machine', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1:3000'],
    ['127.8.8.8', 'localhost'],
    ['::1', '[::1]:3000'],
    ['::ffff:127.0.0.1', 'localhost:3000'],
  ])('is one from %s for %s', (address, host) => {
    expect(asked(address, { host })).toBe(true);
  });

  it.each([
    ['192.168.1.7', { host: 'localhost:3000' }],
    ['::ffff:10.0.0.1', { host: 'localhost:3000' }],
    [undefined, { host: 'localhost:3000' }],
    ['127.0.0.1', { host: 'rebound.example.com:3000' }],
    ['127.0.0.1', { host: 'localhost.example.com' }],
    ['127.0.0.1', { host: 'user@' }],
    ['127.0.0.1', {}],
    ['127.0.0.1', { host: 'localhost', 'x-forwarded-for': '127.0.0.1' }],
    ['127.0.0.1', { host: 'localhost', forwarded: 'for=127.0.0.1' }],
  ])('is none from %s with %j', (address, headers) => {
    expect(asked(address, headers)).toBe(false);
  });
});
