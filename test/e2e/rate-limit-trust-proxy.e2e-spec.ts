import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { type Door, openDoor, perHour, sendRaw } from './rate-limit-http/door.js';

describeReal('The client that a limit counts', () => {
  let server: RedisServer;
  let door: Door;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  beforeEach(() => server.admin().flushall());
  afterEach(() => door.app.close());
  afterAll(() => server.stop());

  async function open(trustProxy: string): Promise<void> {
    const policies = { default: { limits: [perHour('ip', 100)] } };
    door = await openDoor({
      env: { REDIS_URL: server.url(), TRUST_PROXY: trustProxy },
      rateLimit: { policies },
    });
  }

  /** What is left for the client that a request with this header comes from. */
  async function left(...forwarded: string[]): Promise<number> {
    const lines = forwarded.map((value) => `X-Forwarded-For: ${value}\r\n`).join('');
    const { head } = await sendRaw(
      door.port,
      `GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${lines}\r\n`,
    );
    return Number(/^ratelimit: "default";r=(\d+);/m.exec(head)?.[1]);
  }

  describe('with TRUST_PROXY=false', () => {
    it('is whoever opened the connection, whatever headers say', async () => {
      await open('false');
      const seen = [await left(), await left('203.0.113.1'), await left('203.0.113.2', '203.0.113.3')];
      expect(seen).toEqual([99, 98, 97]);
      expect(await left('127.0.0.1')).toBe(96);
    });
  });

  describe('with TRUST_PROXY=1', () => {
    it('is whom the one proxy saw; what stands left of it has no effect', async () => {
      await open('1');
      expect(await left('203.0.113.7')).toBe(99);
      expect(await left('198.51.100.1, 203.0.113.7')).toBe(98);
      expect(await left('198.51.100.2, 127.0.0.1, 203.0.113.7')).toBe(97);
      // Two headers are one list.
      expect(await left('198.51.100.3', '203.0.113.7')).toBe(96);
      // The spoofed addresses have spent nothing, and another client has its own limit.
      expect(await left('198.51.100.1')).toBe(99);
      expect(await left('203.0.113.7, 203.0.113.8')).toBe(99);
    });

    it('is the connection itself where no proxy wrote anything', async () => {
      await open('1');
      expect([await left(), await left()]).toEqual([99, 98]);
    });

    it('is one client for everything that is no address', async () => {
      await open('1');
      expect([await left('junk-1'), await left('junk-2'), await left("' OR 1=1")]).toEqual([99, 98, 97]);
    });
  });

  describe('with TRUST_PROXY=127.0.0.0/8', () => {
    it('is the right-most address that is no proxy of ours, however many there are', async () => {
      await open('127.0.0.0/8');
      expect(await left('203.0.113.7')).toBe(99);
      expect(await left('198.51.100.1, 203.0.113.7, 127.0.0.2')).toBe(98);
      expect(await left('127.0.0.9, 203.0.113.7, 127.0.0.2, 127.0.0.3')).toBe(97);
      expect(await left('198.51.100.1')).toBe(99);
    });
  });

  describe('with TRUST_PROXY=10.0.0.0/8', () => {
    it('is the connection, for it does not come from there', async () => {
      await open('10.0.0.0/8');
      expect([await left('203.0.113.7'), await left('203.0.113.8, 10.0.0.1')]).toEqual([99, 98]);
    });
  });
});
