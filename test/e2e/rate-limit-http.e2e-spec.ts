import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import {
  type CanActivate,
  Controller,
  Get,
  HttpException,
  Param,
  Post,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PolicyName, RateLimit, RateLimitGuard, RouteLimitError } from '../../src/rate-limit/index.js';
import { Metrics } from '../../src/telemetry/index.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { type Door, type DoorOptions, openDoor, perHour, sendRaw } from './rate-limit-http/door.js';

/** Says when the slow request is being served, and is told when it may end. */
const gate = new EventEmitter();

/** Lets nobody in, as who authenticates would without a token. */
class Nobody implements CanActivate {
  canActivate(): never {
    throw new UnauthorizedException();
  }
}

@Controller('things')
class ThingsController {
  @Get()
  @RateLimit('signup')
  read(): object {
    return {};
  }

  @Get('mine')
  @RateLimit('signup')
  @UseGuards(Nobody, RateLimitGuard)
  mine(): object {
    return {};
  }

  @Post('login/:status')
  @RateLimit('stream-connect')
  login(@Param('status') status: string): object {
    if (Number(status) >= 400) throw new HttpException('no', Number(status));
    return {};
  }

  @Post('slow')
  @RateLimit('stream-connect')
  async slow(): Promise<object> {
    gate.emit('served');
    await once(gate, 'release');
    return {};
  }
}

const USER = { known: 'identity', of: () => 'ada' } as const;

const timeless = (answers: unknown): string =>
  JSON.stringify(answers).replaceAll(/(;t=|retry.after\W+)\d+/g, '$1…');

describeReal('Limits of HTTP requests', () => {
  let server: RedisServer;
  let proxy: TcpProxy;
  const open: Door[] = [];
  beforeAll(async () => {
    server = await startRedisServer();
  });
  beforeEach(async () => {
    await server.admin().flushall();
    proxy = await startTcpProxy({ targetPort: server.port });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map(({ app }) => app.close()));
    await proxy.stop();
  });
  afterAll(() => server.stop());

  async function start(
    rateLimit: DoorOptions['rateLimit'] = {},
    env: DoorOptions['env'] = {},
  ): Promise<Door> {
    const door = await openDoor({
      env: {
        REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
        // A budget for a machine on which other tests run.
        RATE_LIMIT_REDIS_COMMAND_MS: '1s',
        REDIS_PROBE_INTERVAL_MS: '100ms',
        ...env,
      },
      controllers: [ThingsController],
      rateLimit,
    });
    open.push(door);
    return door;
  }

  /** One limit that the head of a request decides, and one that only the guard can. */
  const told = (per: 'ip' | 'user') => ({
    policies: { default: { limits: [perHour('ip', 100)] }, signup: { limits: [perHour(per, 2)] } },
    extractors: { user: USER },
  });

  async function answer(door: Door, path = '/v1/things') {
    const { head, body } = await sendRaw(
      door.port,
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Request-Id: r-1\r\n\r\n`,
    );
    return { status: Number(head.split(' ')[1]), head: head.replace(/^date: .*\r\n/im, ''), body };
  }

  it('are told in the same bytes whether the hook decides or the guard, allowed and denied', async () => {
    const answers = [];
    for (const per of ['ip', 'user'] as const) {
      await server.admin().flushall();
      const door = await start(told(per));
      answers.push([await answer(door), await answer(door), await answer(door)]);
    }
    const [hook = [], guard] = answers;
    expect(hook.map(({ status }) => status)).toEqual([200, 200, 429]);
    // Time passes between them; with a clock that stands still, the seconds are the same as well.
    expect(timeless(hook)).toBe(timeless(guard));
    expect(hook[0]?.head).toContain('ratelimit-policy: "default";q=100;w=3600, "signup";q=2;w=3600');
    const retryAfter = Number(/^retry-after: (\d+)\r$/m.exec(hook[2]?.head ?? '')?.[1]);
    expect(hook[2]?.head).toContain(`ratelimit: "signup";r=0;t=${retryAfter}`);
    expect(retryAfter).toBeGreaterThan(1700);
    expect(JSON.parse(hook[2]?.body ?? '')).toEqual({
      'violated-policies': ['signup'],
      type: '/problems/quota-exceeded',
      title: 'Too many requests',
      status: 429,
      detail: 'The limit "signup" is exceeded.',
      instance: '/v1/things',
      request_id: 'r-1',
      retry_after: retryAfter,
    });
  });

  it('answer with JSON whatever the address holds', async () => {
    const door = await start({ policies: { default: { limits: [perHour('ip', 1)] } } });
    await answer(door);
    const path = '/v1/"},\\u0041/\\"<\\';
    const { status, body } = await answer(door, `${path}?secret="`);
    expect(status).toBe(429);
    expect(JSON.parse(body)).toMatchObject({ instance: path });
  });

  it('stand in the line of the request, and a lost Redis with them', async () => {
    const door = await start(told('ip'));
    for (let at = 0; at < 3; at += 1) await answer(door);
    await proxy.refuse();
    await waitFor(
      async () => {
        await answer(door, '/v1/nothing');
        return door.requests.at(-1)?.['rl_backend'] === 'memory';
      },
      { what: 'a decision in memory' },
    );
    const fields = door.requests.map((line) => [
      line['rl_backend'],
      line['rate_limit_state'],
      line['rate_limit_policy'],
      line['rate_limit_degraded'],
    ]);
    expect(fields.slice(0, 3)).toEqual([
      ['redis', 'allow', 'signup', undefined],
      ['redis', 'allow', 'signup', undefined],
      // Known here: Redis need not be asked.
      ['cache', 'throttle', 'signup', undefined],
    ]);
    expect(fields.at(-1)).toEqual(['memory', 'allow', 'default', true]);
  });

  it.each(['ip', 'user'] as const)('are 503 while a closed purpose is away (%s)', async (per) => {
    const door = await start(told(per), { RATE_LIMIT_REDIS_OUTAGE: 'closed' });
    expect((await answer(door)).status).toBe(200);
    await proxy.refuse();
    const { status, head, body } = await answer(door);
    expect(status).toBe(503);
    expect(head).toMatch(/^retry-after: \d+\r$/m);
    expect(JSON.parse(body)).toMatchObject({ type: '/problems/compartment-unavailable' });
  });

  it('hold for those as well whom nobody lets in', async () => {
    const limits = [perHour('ip', 3)];
    const door = await start({
      ...told('user'),
      policies: { ...told('user').policies, default: { limits } },
    });
    const statuses = new Set<number>();
    for (let at = 0; at < 3; at += 1) statuses.add((await answer(door, '/v1/things/mine')).status);
    expect([...statuses]).toEqual([401]);
    expect((await answer(door, '/v1/things/mine')).status).toBe(429);
    expect(door.requests.at(-1)).toMatchObject({ rl_backend: 'cache', rate_limit_policy: 'default' });
  });

  it('are 503 with the problem of reduced capacity where nobody passes uncounted', async () => {
    const limits = [{ ...perHour('ip', 100), outage: 'deny' as const }];
    const door = await start({ policies: { default: { limits } } });
    await proxy.refuse();
    const { status, head, body } = await answer(door);
    expect(status).toBe(503);
    expect(head).toContain('retry-after: 1\r');
    expect(JSON.parse(body)).toMatchObject({ type: '/problems/temporary-reduced-capacity' });
  });

  it('refuse the start where a route names a policy that nobody knows', async () => {
    const misspelt: string = 'singup';
    @Controller('misspelt')
    class MisspeltController {
      @Get()
      @RateLimit(misspelt as PolicyName)
      read(): void {
        // Never called.
      }
    }
    const error: unknown = await openDoor({
      env: { REDIS_URL: server.url() },
      controllers: [MisspeltController],
    }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RouteLimitError);
    expect((error as RouteLimitError).report()).toContain(
      'MisspeltController.read: there is no policy "singup"',
    );
  });

  describe('of a policy that counts failures', () => {
    const failures = {
      policies: { 'stream-connect': { limits: [perHour('ip', 10)], counts: 'failures' } },
    } as const;
    const post = async ({ origin }: Door, path: string) => {
      const { headers } = await fetch(`${origin}/v1/things/${path}`, { method: 'POST' });
      return Number(/"stream-connect";r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
    };

    it('give back what succeeded, and do not take that for a decision', async () => {
      const door = await start(failures);
      expect(await post(door, 'login/401')).toBe(9);
      for (let at = 0; at < 5; at += 1) {
        // The answer may be here before the refund has reached Redis.
        await waitFor(async () => (await post(door, 'login/200')) === 8, {
          what: 'a refund of the last success',
        });
      }
      const asked = door.requests.length;
      expect(await post(door, 'login/403')).toBeLessThanOrEqual(8);
      const text = await door.app.get(Metrics).registry.metrics();
      const counted =
        /rate_limit_decisions_total\{policy="stream-connect",state="allow",backend="redis"\} (\d+)/;
      expect(Number(counted.exec(text)?.[1])).toBe(asked + 1);
    });

    it('do not take a client that has left for a success', async () => {
      const door = await start(failures);
      const served = once(gate, 'served');
      const socket = connect(door.port, '127.0.0.1');
      socket.write('POST /v1/things/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n');
      await served;
      socket.destroy();
      await waitFor(() => door.requests.length === 1, { what: 'the end of the request' });
      expect(door.requests[0]).toMatchObject({ aborted: true });
      gate.emit('release');
      // A refund would be in Redis before this: they share a connection.
      expect(await post(door, 'login/401')).toBe(8);
    });
  });
});
