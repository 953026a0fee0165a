import { type CanActivate, Controller, Get, Injectable, UseGuards } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../kernel/errors.js';
import type { PolicyName } from '../policies/policies.js';
import type { Dimension, PolicyTable } from '../policies/policy.js';
import type { ExtractorTable } from './extractors.js';
import { type LimitedAppOptions, openLimitedApp } from './limited-app.rig.js';
import { RateLimit, SkipRateLimit } from './rate-limit.decorator.js';
import { RateLimitGuard } from './rate-limit.guard.js';
import { RouteLimitError } from './route-faults.js';
import { RouteTable } from './route-table.js';

/** Names that a compiler cannot know. */
const dynamic = (name: string): PolicyName => name as PolicyName;
const unheardOf = (name: string): Dimension => name as Dimension;

async function refusal(options: LimitedAppOptions): Promise<RouteLimitError> {
  const error: unknown = await openLimitedApp(options).catch((thrown: unknown) => thrown);
  if (error instanceof RouteLimitError) return error;
  throw new Error('it started', { cause: error });
}

@Controller('v1/misspelt')
class MisspeltController {
  @Get()
  @RateLimit(dynamic('singup'), 'signup')
  read(): object {
    return {};
  }

  @Get('dear')
  @RateLimit({ policy: 'signup', cost: 6 }, { policy: 'default', cost: 0 })
  dear(): object {
    return {};
  }

  @Get('twice')
  @RateLimit('signup', { policy: 'signup', cost: 2 })
  twice(): object {
    return {};
  }
}

@Injectable()
class Messages {
  @RateLimit(dynamic('chat'))
  send(): void {
    // Called by a gateway.
  }
}

@Injectable()
class Uploads {
  @RateLimit({ policy: 'signup', cost: ({ headers }) => Number(headers['x-units']) })
  send(): void {
    // Called by a gateway.
  }
}

@Controller('v1/exports')
@RateLimit({ policy: 'signup', cost: ({ headers }) => Number(headers['x-units']) })
class ExportsController {
  @Get()
  read(): object {
    return this.helper();
  }

  helper(): object {
    return {};
  }
}

@Controller('v1/devices')
class DevicesController {
  @Get()
  @RateLimit('stream-connect')
  read(): object {
    return {};
  }
}

@Controller('v1/free')
@SkipRateLimit()
class FreeController {
  @Get()
  read(): object {
    return {};
  }
}

describe('limits that nobody can count', () => {
  it('refuse the start, all of them named at once', async () => {
    const error = await refusal({ controllers: [MisspeltController], providers: [Messages] });
    expect(error.exitCode).toBe(EXIT.config);
    expect(error.report().split('\n')).toEqual([
      'Refusing to start: rate limits of routes',
      '  MisspeltController.read: there is no policy "singup"; known are default, signup, stream-connect, webhook-signature',
      '  MisspeltController.dear: the cost 6 never fits limit "signup-ip", which grants 5 at once',
      '  MisspeltController.dear: the cost 0 of "default" is no whole number above 0',
      '  MisspeltController.twice: it names a policy twice',
      '  Messages.send: there is no policy "chat"; known are default, signup, stream-connect, webhook-signature',
    ]);
  });

  it('refuse it for a cost that is worked out from a request, where there is none', async () => {
    const { faults } = await refusal({ controllers: [ExportsController], providers: [Uploads] });
    expect(faults).toEqual([
      'Uploads.send: the cost of "signup" is worked out from an HTTP request, and it serves none; give a number',
    ]);
  });

  it('refuse it where no extractor tells whom they count', async () => {
    const { faults } = await refusal({
      controllers: [DevicesController],
      policies: {
        'stream-connect': { limits: [{ per: unheardOf('device'), quota: 1, windowMs: 1000, burst: 1 }] },
      },
    });
    expect(faults).toEqual([
      'DevicesController.read: policy "stream-connect" counts by device, which no extractor tells; ' +
        'name one in src/app.features.ts: rateLimit: { extractors: { device: … } }',
    ]);
  });

  it('refuse it for the default policy of every route that does not skip it', async () => {
    const { faults } = await refusal({
      controllers: [DevicesController, FreeController],
      policies: { default: { limits: [{ per: unheardOf('device'), quota: 1, windowMs: 1000, burst: 1 }] } },
    });
    expect(faults.map((fault) => fault.split(':')[0])).toEqual(['DevicesController.read']);
  });
});

it('a limit that counts users is said to apply to nobody while nothing tells users', async () => {
  const policies: PolicyTable = {
    'stream-connect': { limits: [{ per: 'user', quota: 1, windowMs: 1000, burst: 1 }] },
  };
  const sleeping = async (extractors: ExtractorTable) => {
    const { app } = await openLimitedApp({ controllers: [DevicesController], policies, extractors });
    const lines = app.get(RouteTable).sleeping;
    await app.close();
    return lines;
  };
  expect(await sleeping({})).toEqual([
    'DevicesController.read: limit "stream-connect" applies to nobody, for nothing tells the user of a request',
  ]);
  expect(await sleeping({ user: { known: 'identity', of: () => 'ada' } })).toEqual([]);
});

describe('a limit of what only guards can tell is said to count nobody', () => {
  @Injectable()
  class Access implements CanActivate {
    canActivate(): boolean {
      return true;
    }
  }

  @Controller('v1/orders')
  @UseGuards(Access)
  class OrdersController {
    @Get('before')
    @RateLimit('stream-connect', 'signup')
    before(): object {
      return {};
    }

    @Get('behind')
    @RateLimit('stream-connect')
    @UseGuards(RateLimitGuard)
    behind(): object {
      return {};
    }

    @Get('free')
    @SkipRateLimit()
    free(): object {
      return {};
    }
  }

  const policies: PolicyTable = {
    'stream-connect': {
      limits: [
        { per: 'user', quota: 1, windowMs: 1000, burst: 1 },
        { per: 'ip', quota: 1, windowMs: 1000, burst: 1 },
      ],
    },
  };
  const warned = async (known: 'arrival' | 'identity', more: PolicyTable = {}) => {
    const { app } = await openLimitedApp({
      controllers: [OrdersController],
      policies: { ...policies, ...more },
      extractors: { user: { known, of: () => 'ada' } },
    });
    const lines = app.get(RouteTable).sleeping;
    await app.close();
    return lines;
  };

  it('where RateLimitGuard does not run after them', async () => {
    expect(await warned('identity')).toEqual([
      'OrdersController.before: policy "stream-connect" counts by user before Access can tell it, so it counts no user; ' +
        'name RateLimitGuard behind: @UseGuards(Access, RateLimitGuard)',
    ]);
    expect(await warned('arrival')).toEqual([]);
  });

  it('of the default policy as well', async () => {
    const perUser = { limits: [{ per: 'user', quota: 1, windowMs: 1000, burst: 1 }] } as const;
    const lines = await warned('identity', { default: perUser });
    expect(lines.map((line) => line.slice(0, line.indexOf(' counts')))).toEqual([
      'OrdersController.before: policy "default"',
      'OrdersController.before: policy "stream-connect"',
    ]);
  });
});
