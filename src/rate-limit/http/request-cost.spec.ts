import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { Body, Controller, Logger, Post } from '@nestjs/common';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Ruling } from '../counting/subject.js';
import type { Dimension, PolicyTable } from '../policies/policy.js';
import { type LimitedApp, limitedApps } from './limited-app.rig.js';
import { RateLimit } from './rate-limit.decorator.js';

afterEach(() => void vi.restoreAllMocks());
const start = limitedApps();

const of = (per: Dimension, quota: number): PolicyTable[string] => ({
  limits: [{ per, quota, windowMs: 60_000, burst: quota }],
});

/** What is left of the policies in the header. */
function left(header: unknown): Record<string, number> {
  const items = [...String(header).matchAll(/"([^"]+)";r=(\d+)/g)];
  return Object.fromEntries(items.map(([, name = '', r]) => [name, Number(r)]));
}

@Controller('v1/costly')
class CostlyController {
  @Post('fixed')
  @RateLimit({ policy: 'signup', cost: 5 })
  fixed(): object {
    return {};
  }

  @Post('head')
  @RateLimit({
    policy: 'signup',
    cost: { known: 'arrival', of: ({ headers }) => Number(headers['x-units']) },
  })
  head(): object {
    return {};
  }

  @Post('body')
  @RateLimit({ policy: 'signup', cost: ({ body }) => (body as { units: number }).units })
  body(@Body() body: object): object {
    return body;
  }
}

describe('the cost of a request', () => {
  const policies = { signup: of('ip', 10) };
  const post = async (app: LimitedApp['app'], url: string, units?: number) => {
    const { statusCode, headers } = await app.inject({
      url,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-units': String(units) },
      payload: JSON.stringify({ units }),
    });
    return { statusCode, left: left(headers['ratelimit']) };
  };

  it('is of its policy alone', async () => {
    const { app } = await start({ controllers: [CostlyController], policies });
    expect(await post(app, '/v1/costly/fixed')).toEqual({
      statusCode: 201,
      left: { default: 59, signup: 5 },
    });
    expect(await post(app, '/v1/costly/fixed')).toEqual({
      statusCode: 201,
      left: { default: 58, signup: 0 },
    });
    expect((await post(app, '/v1/costly/fixed')).statusCode).toBe(429);
  });

  it.each(['/v1/costly/head', '/v1/costly/body'])('may depend on the request: %s', async (url) => {
    const { app } = await start({ controllers: [CostlyController], policies });
    expect((await post(app, url, 7)).left).toEqual({ default: 59, signup: 3 });
    expect((await post(app, url, 4)).statusCode).toBe(429);
    // Rounded up, and never less than one.
    expect((await post(app, url, 1.5)).left).toEqual({ default: 58, signup: 1 });
    expect((await post(app, url, -7)).left).toEqual({ default: 57, signup: 0 });
  });

  it.each(['/v1/costly/head', '/v1/costly/body'])(
    'is all that the policy ever grants where it is no number: %s',
    async (url) => {
      const { app } = await start({ controllers: [CostlyController], policies });
      expect(await post(app, url)).toEqual({ statusCode: 201, left: { default: 59, signup: 0 } });
      expect((await post(app, url)).statusCode).toBe(429);
    },
  );

  it('never fits where it is beyond all numbers', async () => {
    const { app } = await start({ controllers: [CostlyController], policies });
    expect((await post(app, '/v1/costly/head', Infinity)).statusCode).toBe(429);
    expect((await post(app, '/v1/costly/head', 10)).left).toEqual({ default: 59, signup: 0 });
  });
});

@Controller('v1/upload')
class UploadController {
  @Post()
  @RateLimit({
    policy: 'signup',
    cost: { known: 'arrival', of: ({ headers }) => Number(headers['content-length']) },
  })
  upload(): object {
    return {};
  }

  @Post('broken')
  @RateLimit({
    policy: 'signup',
    cost: {
      known: 'arrival',
      of: () => {
        throw new TypeError('secret');
      },
    },
  })
  broken(): object {
    return {};
  }
}

/** A body whose length nobody says beforehand. */
async function postChunked({ app }: LimitedApp, path: string): Promise<number | undefined> {
  if (!app.getHttpServer().listening) await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as { port: number };
  const request = httpRequest({ port, host: '127.0.0.1', path, method: 'POST', agent: false });
  request.setHeader('content-type', 'application/json');
  request.setHeader('transfer-encoding', 'chunked');
  request.end('{}');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

describe.each(['/v1/upload', '/v1/upload/broken'])(
  'a cost that nobody can tell of a chunked body: %s',
  (url) => {
    it('is counted: the policy is used up at once, and what is used up denies', async () => {
      const limited = await start({
        controllers: [UploadController],
        policies: { signup: { limits: [...of('ip', 10).limits, ...of('global', 7).limits] } },
      });
      expect(await postChunked(limited, url)).toBe(201);
      expect(await postChunked(limited, url)).toBe(429);
    });

    it('lifts no block', async () => {
      const ruling: Ruling = {
        edition: 1,
        anyBlocked: true,
        blockedUntilMs: () => 3_600_000,
        limitFor: (limit) => limit,
      };
      expect(await postChunked(await start({ controllers: [UploadController], ruling }), url)).toBe(429);
    });

    it('is told to whoever reads the log, once per policy, without what was sent', async () => {
      const error = vi.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
      const limited = await start({ controllers: [UploadController] });
      for (let at = 0; at < 3; at += 1) await postChunked(limited, url);
      const lines = error.mock.calls.map(([line]) => String(line)).filter((line) => line.includes('cost'));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain('"signup"');
      expect(lines[0]).not.toContain('secret');
    });
  },
);
