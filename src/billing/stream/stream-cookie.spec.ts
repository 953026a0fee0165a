import { randomUUID } from 'node:crypto';
import { parseSetCookie } from 'cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import type { AccessTokens, RequestAuthentication } from '../../access/index.js';
import { ForbiddenError, InvalidTokenError } from '../../access/index.js';
import type { PublicUrlSettings } from '../../config/index.js';
import { AppError } from '../../kernel/errors.js';
import { ManualClock } from '../../kernel/manual-clock.js';
import { Secret } from '../../kernel/redact.js';
import { StreamAccess } from './stream-access.js';
import { StreamCookie, type StreamPass } from './stream-cookie.js';
import type { BillingStreamSettings } from './stream.config.js';
import type { StreamTickets } from './stream-tickets.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

class SqlAway extends AppError {
  readonly code = 'SQL_AWAY';
  readonly status = 503;
  readonly slug = 'x';
  readonly title = 'x';
}

/** Cookie and access as they are, with a session and a membership that a test ends. */
function rig({ url = 'https://app.example.com', keys = 'k'.repeat(32) } = {}) {
  const clock = new ManualClock();
  const settings = { cookieKeys: new Secret(keys) } as BillingStreamSettings;
  const cookie = new StreamCookie(settings, { publicUrl: new URL(url) } as PublicUrlSettings, clock);
  const state = { live: true, member: true, sqlAway: false };
  const tickets = {
    assertLive: () =>
      state.live ? Promise.resolve() : Promise.reject(new InvalidTokenError('unknown-session')),
    roleOf: () => {
      if (state.sqlAway) return Promise.reject(new SqlAway('away'));
      return state.member ? Promise.resolve('member') : Promise.reject(new ForbiddenError('none'));
    },
  } as unknown as StreamTickets;
  const authentication = {
    claims: () => Promise.reject(new InvalidTokenError('missing')),
  } as unknown as RequestAuthentication;
  const access = new StreamAccess(authentication, {} as AccessTokens, cookie, tickets);
  return { clock, cookie, access, state };
}

function written(write: (reply: FastifyReply) => void) {
  const headers: string[] = [];
  write({ header: (_name: string, value: string) => headers.push(value) } as unknown as FastifyReply);
  const [header] = headers;
  return header === undefined ? undefined : parseSetCookie(header);
}

const passOf = (clock: ManualClock, sessionMs: number): StreamPass => ({
  userId: randomUUID(),
  tenantId: randomUUID(),
  sessionId: randomUUID(),
  role: 'owner',
  epoch: 1,
  endsAtMs: 0,
  sessionEndsAtMs: clock.nowMs() + sessionMs,
});
const asking = (pair: string, headers = {}) =>
  ({ headers: { cookie: pair, ...headers } }) as unknown as FastifyRequest;

describe('The cookie of a stream', () => {
  /** Connects and gives the cookie that the answer brings, or the status of the error. */
  async function connect({ access }: ReturnType<typeof rig>, pair: string) {
    let header: string | undefined;
    const reply = { header: (_: string, value: string) => (header = value) } as unknown as FastifyReply;
    const identity = await access.identify(asking(pair), reply);
    const set = header === undefined ? undefined : parseSetCookie(header);
    return { identity, set, pair: set ? `${set.name}=${set.value}` : pair };
  }

  it('is renewed at each connect for hours, and never beyond the end of its session', async () => {
    const house = rig();
    const { clock, cookie } = house;
    const pass = passOf(clock, 5 * HOUR_MS + 30 * MINUTE_MS);
    const set = written((reply) => cookie.write(reply, cookie.renewed(pass)));
    expect(set).toMatchObject({
      name: '__Secure-billing-stream',
      maxAge: 3600,
      path: '/v1/billing/stream',
      httpOnly: true,
      secure: true,
      sameSite: 'strict',
    });
    let pair = `${set?.name}=${set?.value}`;
    let connects = 0;
    while (clock.nowMs() < pass.sessionEndsAtMs - 10 * MINUTE_MS) {
      clock.advance(10 * MINUTE_MS);
      const answer = await connect(house, pair);
      connects += 1;
      expect(answer.identity).toMatchObject({ userId: pass.userId, tenantId: pass.tenantId, epoch: 1 });
      expect(answer.identity.endsAtMs).toBe(Math.min(clock.nowMs() + HOUR_MS, pass.sessionEndsAtMs));
      pair = answer.pair;
    }
    expect(connects).toBe(32);
    clock.advance(10 * MINUTE_MS);
    await expect(connect(house, pair)).rejects.toThrow(InvalidTokenError);
  });

  it('is over an hour after nobody has come', async () => {
    const house = rig();
    const set = written((reply) =>
      house.cookie.write(reply, house.cookie.renewed(passOf(house.clock, 9 * HOUR_MS))),
    );
    house.clock.advance(HOUR_MS - 1);
    expect((await connect(house, `${set?.name}=${set?.value}`)).identity.role).toBe('member');
    house.clock.advance(1);
    await expect(connect(house, `${set?.name}=${set?.value}`)).rejects.toThrow(InvalidTokenError);
  });

  it('opens nothing when its session or its membership has ended, and is not renewed where nobody can say', async () => {
    const house = rig();
    const pass = house.cookie.renewed(passOf(house.clock, 9 * HOUR_MS));
    const set = written((reply) => house.cookie.write(reply, pass));
    const pair = `${set?.name}=${set?.value}`;
    house.clock.advance(MINUTE_MS);
    house.state.sqlAway = true;
    const unknown = await connect(house, pair);
    expect([unknown.set, unknown.identity.endsAtMs]).toEqual([undefined, pass.endsAtMs]);
    house.state.sqlAway = false;
    house.state.member = false;
    await expect(connect(house, pair)).rejects.toThrow(ForbiddenError);
    house.state.live = false;
    await expect(connect(house, pair)).rejects.toThrow(InvalidTokenError);
  });

  it('holds under any secret of the ring, and under no other', () => {
    const old = rig({ keys: 'a'.repeat(32) });
    const set = written((reply) => old.cookie.write(reply, old.cookie.renewed(passOf(old.clock, HOUR_MS))));
    const pair = `${set?.name}=${set?.value}`;
    expect(rig({ keys: `${'b'.repeat(32)},${'a'.repeat(32)}` }).cookie.read(asking(pair))).toBeDefined();
    expect(rig({ keys: 'b'.repeat(32) }).cookie.read(asking(pair))).toBeUndefined();
  });

  it('has its prefix only where there is TLS', () => {
    const local = rig({ url: 'http://127.0.0.1:3000' });
    const set = written((reply) =>
      local.cookie.write(reply, local.cookie.renewed(passOf(local.clock, HOUR_MS))),
    );
    expect([set?.name, set?.secure]).toEqual(['billing-stream', undefined]);
    expect(local.cookie.read(asking(`billing-stream=${set?.value}`))).toBeDefined();
  });

  it.each([
    [{ origin: 'https://app.example.com' }, true],
    [{ 'sec-fetch-site': 'same-origin' }, true],
    [{ 'sec-fetch-site': 'none' }, true],
    [{ origin: 'https://evil.example.com' }, false],
    [{ origin: 'null' }, false],
    [{ 'sec-fetch-site': 'same-site' }, false],
    [{ 'sec-fetch-site': 'cross-site' }, false],
  ])('with %j: %s', (headers, allowed) => {
    const { cookie, clock } = rig();
    const set = written((reply) => cookie.write(reply, cookie.renewed(passOf(clock, HOUR_MS))));
    const opens = () => {
      try {
        return cookie.read(asking(`${set?.name}=${set?.value}`, headers)) !== undefined;
      } catch (error) {
        return error instanceof ForbiddenError ? false : error;
      }
    };
    expect(opens()).toBe(allowed);
  });

  it('wants a POST to come from a page of ours, and nothing else', () => {
    const { cookie } = rig();
    expect(() => cookie.assertOrigin(asking('', { origin: 'https://app.example.com' }))).not.toThrow();
    expect(() => cookie.assertOrigin(asking(''))).toThrow(ForbiddenError);
    expect(() => cookie.assertOrigin(asking('', { origin: 'https://app.example.com.evil' }))).toThrow(
      ForbiddenError,
    );
  });
});
