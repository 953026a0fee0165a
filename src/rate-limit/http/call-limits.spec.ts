import type { ExecutionContext } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { describe, expect, it } from 'vitest';
import type { PolicyTable, Subjects } from '../policies/policy.js';
import { type LimitedAppOptions, limitedApps } from './limited-app.rig.js';
import { RateLimit, SkipRateLimit } from './rate-limit.decorator.js';
import { RateLimitExceededError } from './rate-limit.errors.js';
import { RouteLimitError } from './route-faults.js';
import { RateLimitGuard } from './rate-limit.guard.js';

const open = limitedApps();

@RateLimit('stream-connect')
class ChatGateway {
  send(): void {
    // Limited by its class.
  }

  @RateLimit({ policy: 'signup', cost: 2 })
  join(): void {
    // Limited by itself.
  }

  @SkipRateLimit()
  leave(): void {
    // Not limited.
  }
}

class DearGateway {
  @RateLimit({ policy: 'signup', cost: () => 3 })
  send(): void {
    // What it costs, only an HTTP request could tell.
  }
}

class QuietGateway {
  send(): void {
    // Says nothing about limits.
  }
}

const policies: PolicyTable = {
  'stream-connect': { limits: [{ per: 'user', quota: 2, windowMs: 60_000, burst: 2 }] },
  signup: {
    limits: [
      { per: 'network', quota: 3, windowMs: 60_000, burst: 3 },
      { per: 'route', quota: 5, windowMs: 60_000, burst: 5 },
      { per: 'global', quota: 8, windowMs: 60_000, burst: 8 },
    ],
  },
};

interface Client {
  readonly subjects?: Subjects;
}

const subjects = (context: ExecutionContext): Subjects | undefined =>
  context.getArgByIndex<Client | undefined>(0)?.subjects;

/** What Nest hands to a guard in front of a handler of messages. */
function call(
  type: string,
  client: Client | undefined,
  method: keyof ChatGateway,
  owner: typeof ChatGateway | typeof DearGateway | typeof QuietGateway = ChatGateway,
) {
  const handler: unknown = Reflect.get(owner.prototype, method);
  const context = new ExecutionContextHost([client, { text: 'hello' }], owner, handler as () => void);
  context.setType(type);
  return context;
}

async function start(options: Partial<LimitedAppOptions> = { subjects }): Promise<RateLimitGuard> {
  const { app } = await open({ controllers: [], policies, ...options });
  return app.get(RateLimitGuard);
}

const ada: Client = { subjects: { user: 'ada', ip: '192.0.2.1' } };

describe.each(['ws', 'rpc', 'graphql'])('a call of type %s', (type) => {
  it('has the limits that its handler declares, and an error without HTTP tells a denial', async () => {
    const guard = await start();
    for (let at = 0; at < 2; at += 1) expect(await guard.canActivate(call(type, ada, 'send'))).toBe(true);
    const denied: unknown = await Promise.resolve(guard.canActivate(call(type, ada, 'send'))).catch(
      (error: unknown) => error,
    );
    expect(denied).toBeInstanceOf(RateLimitExceededError);
    expect(denied).toMatchObject({
      code: 'RATE_LIMIT_EXCEEDED',
      message: 'The limit "stream-connect" is exceeded.',
    });
    expect(await guard.canActivate(call(type, { subjects: { user: 'bob' } }, 'send'))).toBe(true);
  });

  it('passes where nobody can tell who calls', async () => {
    for (const guard of [await start(), await start({})]) {
      for (let at = 0; at < 5; at += 1) expect(await guard.canActivate(call(type, {}, 'send'))).toBe(true);
      expect(await guard.canActivate(call(type, undefined, 'send'))).toBe(true);
    }
  });

  it('passes where nothing is declared, or limits are lifted', async () => {
    const guard = await start();
    for (let at = 0; at < 9; at += 1) {
      expect(await guard.canActivate(call(type, ada, 'leave'))).toBe(true);
      expect(await guard.canActivate(call(type, ada, 'send', QuietGateway))).toBe(true);
    }
  });
});

describe('a message on a socket', () => {
  const violated = async (guard: RateLimitGuard, client: Client): Promise<unknown> =>
    Promise.resolve(guard.canActivate(call('ws', client, 'join'))).catch(
      (error: RateLimitExceededError) => error.extensions['violated-policies'],
    );

  it('costs what its handler says, of every dimension that is known without being told', async () => {
    const guard = await start();
    const from = (ip: string): Client => ({ subjects: { ip } });
    expect(await violated(guard, from('192.0.2.1'))).toBe(true);
    expect(await violated(guard, from('192.0.2.200'))).toEqual(['signup-network']);
    expect(await violated(guard, from('198.51.100.1'))).toBe(true);
    expect(await violated(guard, {})).toEqual(['signup-route']);
  });

  it('is refused where its cost is worked out from a request: one unit would be a guess', async () => {
    const guard = await start();
    await expect(Promise.resolve(guard.canActivate(call('ws', ada, 'send', DearGateway)))).rejects.toThrow(
      RouteLimitError,
    );
  });

  it('is counted once, however often the guard is bound to it', async () => {
    const guard = await start();
    const once = call('ws', ada, 'send');
    for (let at = 0; at < 5; at += 1) expect(await guard.canActivate(once)).toBe(true);
    expect(await guard.canActivate(call('ws', ada, 'send'))).toBe(true);
  });
});
