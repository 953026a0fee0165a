import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { mintRefreshToken, readRefreshToken } from '../../src/auth/refresh/refresh-token.js';
import type { IssuedRefreshToken } from '../../src/auth/refresh/rotation.js';
import { openSuccessor } from '../../src/auth/refresh/sealed-successor.js';
import { KeyRing } from '../../src/kernel/key-ring.js';
import { Secret } from '../../src/kernel/redact.js';
import { AuthRig, SESSION, USER, everythingIn } from './auth.rig.js';
import { withEngine } from './support/engine.js';

const OLD = 'old-pepper-'.repeat(4);
const NEW = 'new-pepper-'.repeat(4);

withEngine('Secrets of refresh families', (engine) => {
  const rigs: AuthRig[] = [];
  const open = async (pepper: string): Promise<AuthRig> => {
    const rig = await AuthRig.open(`redis://${engine.host}:${engine.port}`, { AUTH_REFRESH_PEPPER: pepper });
    rigs.push(rig);
    return rig;
  };
  let rig: AuthRig;
  beforeAll(async () => {
    rig = await open(OLD);
  });
  afterEach(async () => {
    for (const one of rigs.splice(1)) await one.close();
  });
  afterAll(() => rig.close());

  const login = (at = rig): Promise<IssuedRefreshToken> =>
    at.families.start({ familyId: at.families.newId(), userId: USER, sessionId: SESSION });

  it('are not in Redis: neither a token, nor what opens its successor', async () => {
    const first = await login();
    const second = (await rig.families.rotate(first.token)) as IssuedRefreshToken;
    const dump = await everythingIn(engine.redis);
    for (const { token } of [first, second]) {
      for (const part of token.split('.').slice(3)) expect(dump).not.toContain(part);
      expect(dump).not.toContain(Buffer.from(token).toString('base64url'));
    }
    const spent = (await engine.redis.hget(`auth:{rf:${first.familyId}}`, 'spent')) ?? '';
    const sealed = spent.split('|').at(-1) ?? '';
    const ring = new KeyRing(new Secret(OLD));
    const stranger = mintRefreshToken(ring, first.familyId, 0);
    const successor = readRefreshToken(ring, second.token);
    const presented = readRefreshToken(ring, first.token);
    if (!successor || !presented) throw new Error('These are tokens of this ring');
    expect(ring.open('refresh-successor', sealed)).toBeUndefined();
    expect(openSuccessor(stranger, sealed)).toBeUndefined();
    expect(openSuccessor(successor, sealed)).toBeUndefined();
    expect(openSuccessor(presented, sealed)).toBe(second.token);
  });

  it('are replaced without a token that fails, and the old one is worth nothing afterwards', async () => {
    const first = await login();
    // Every instance has the new one, second, before any of them signs with it.
    const [ready, turned] = [await open(`${OLD},${NEW}`), await open(`${NEW},${OLD}`)];
    const second = (await turned.families.rotate(first.token)) as IssuedRefreshToken;
    expect(await rig.families.rotate(first.token)).toMatchObject({ kind: 'replayed', token: second.token });
    expect(await ready.families.rotate(first.token)).toMatchObject({ kind: 'replayed', token: second.token });
    const third = (await ready.families.rotate(second.token)) as IssuedRefreshToken;
    expect(third).toMatchObject({ kind: 'rotated', generation: 2 });
    const fourth = (await turned.families.rotate(third.token)) as IssuedRefreshToken;
    expect(fourth).toMatchObject({ kind: 'rotated', generation: 3 });
    const last = await open(NEW);
    expect(await last.families.rotate(third.token)).toEqual({ kind: 'unknown' });
    expect(await last.families.rotate(fourth.token)).toMatchObject({ kind: 'rotated', generation: 4 });
  });

  it('are needed: what somebody made up about a family that exists changes nothing', async () => {
    const victim = await login();
    const thief = new KeyRing(new Secret(NEW));
    const [prefix, family, generation, secret, mac] = victim.token.split('.') as [string, ...string[]];
    const flipped = `${mac?.slice(0, -1)}${mac?.endsWith('A') ? 'B' : 'A'}`;
    const forged = [
      mintRefreshToken(thief, victim.familyId, 0).text,
      mintRefreshToken(thief, victim.familyId, 7).text,
      [prefix, rig.families.newId(), generation, secret, mac].join('.'),
      [prefix, family, '1', secret, mac].join('.'),
      [prefix, family, '00', secret, mac].join('.'),
      ['rt2', family, generation, secret, mac].join('.'),
      [prefix, family, generation, secret, flipped].join('.'),
      victim.token.slice(0, -1),
      `${victim.token}=`,
      ` ${victim.token}`,
      `${victim.token}\n`,
      victim.token.toUpperCase(),
      victim.token.repeat(2),
    ];
    for (const token of forged) expect(await rig.families.rotate(token)).toEqual({ kind: 'unknown' });
    expect(await rig.families.rotate(victim.token)).toMatchObject({ kind: 'rotated', generation: 1 });
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty text', ''],
    ['dots', '....'],
    ['a huge text', 'rt1.'.repeat(1_000_000)],
    ['NUL', '\0'],
    ['half a character', '\ud800'],
    ['an array', ['rt1']],
    ['an object', { token: 'rt1' }],
    ['a prototype', '__proto__'],
    ['a number', 7],
    ['glob and escapes', 'rt1.*.0.{}.\r\nFLUSHALL'],
  ])('take %s for an unknown token', async (_what, token) => {
    expect(await rig.families.rotate(token)).toEqual({ kind: 'unknown' });
    expect(await rig.families.ownerOf(token)).toBeUndefined();
  });

  it('let no text of a caller become part of a name', async () => {
    for (const familyId of ['', 'x', '}:s', 'a'.repeat(23), `${'a'.repeat(21)}}`, '{'.repeat(22)])
      await expect(rig.families.revoke(familyId)).rejects.toThrow(TypeError);
  });
});
