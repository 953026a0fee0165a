import { hash, parseOptions } from '@node-rs/argon2';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { Secret } from '../../kernel/redact.js';
import { Metrics } from '../../telemetry/index.js';
import { HashQueue } from './hash-queue.js';
import { PasswordHasher } from './password-hasher.js';
import { PasswordSettings } from './password.config.js';

const OLD = 'o'.repeat(32);
const NEW = 'n'.repeat(32);
const PASSWORD = 'lantern oyster hill';

function hasherWith({ peppers = [NEW], memoryKib = 19_456, passes = 2 } = {}): PasswordHasher {
  const pepper = new Secret(peppers.join(','));
  const settings = Object.assign(new PasswordSettings(), { pepper, memoryKib, passes, lanes: 1 });
  return new PasswordHasher(settings, new HashQueue(settings, new ManualClock(), new Metrics()));
}

describe('The password hasher', () => {
  it('writes argon2id with the costs of the settings and the name of the pepper', async () => {
    const phc = await hasherWith().hash(PASSWORD);
    expect(phc).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1,keyid=[A-Za-z0-9+/]{8}\$[^$]{22}\$[^$]{43}$/);
    expect(phc).not.toBe(await hasherWith().hash(PASSWORD));
    expect(parseOptions(phc)).toMatchObject({ memoryCost: 19_456, timeCost: 2, parallelism: 1 });
  });

  it('knows the right password, whatever is in it', async () => {
    const hasher = hasherWith();
    for (const password of [PASSWORD, 'lantern\u0000oyster', '', '🦪'.repeat(256)]) {
      const phc = await hasher.hash(password);
      expect(await hasher.verify(phc, password)).toBe(true);
      expect(await hasher.verify(phc, `${password}x`)).toBe(false);
    }
    const phc = await hasher.hash('lantern\u0000oyster');
    expect(await hasher.verify(phc, 'lantern\u0000hill')).toBe(false);
  });

  it('is worth nothing without the pepper', async () => {
    const plain = await hash(PASSWORD, { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 });
    const own = await hasherWith().hash(PASSWORD);
    const borrowed = plain.replace('p=1', `p=1${/,keyid=[^$]+/.exec(own)?.[0]}`);
    expect(await hasherWith().verify(borrowed, PASSWORD)).toBe(false);
  });

  it('verifies under an older pepper, and says that the hash should be made anew', async () => {
    const phc = await hasherWith({ peppers: [OLD] }).hash(PASSWORD);
    const rotated = hasherWith({ peppers: [NEW, OLD] });
    expect(await rotated.verify(phc, PASSWORD)).toBe(true);
    expect(await rotated.verify(phc, 'something else')).toBe(false);
    expect(rotated.isOutdated(phc)).toBe(true);
    const renewed = await rotated.hash(PASSWORD);
    expect(rotated.isOutdated(renewed)).toBe(false);
    expect(await hasherWith({ peppers: [NEW] }).verify(renewed, PASSWORD)).toBe(true);
  });

  it('says that a hash of other costs should be made anew', async () => {
    const phc = await hasherWith().hash(PASSWORD);
    expect(hasherWith().isOutdated(phc)).toBe(false);
    expect(hasherWith({ passes: 3 }).isOutdated(phc)).toBe(true);
    expect(hasherWith({ memoryKib: 20_480 }).isOutdated(phc)).toBe(true);
    expect(await hasherWith({ passes: 3 }).verify(phc, PASSWORD)).toBe(true);
  });

  it('says that the pepper is missing, instead of calling the password wrong', async () => {
    const phc = await hasherWith({ peppers: [OLD] }).hash(PASSWORD);
    await expect(hasherWith({ peppers: [NEW] }).verify(phc, PASSWORD)).rejects.toMatchObject({
      status: 503,
      slug: 'dependency-unavailable',
      why: 'unknown-pepper',
    });
  });

  it.each([
    ['nothing', () => ''],
    ['a word', () => 'x'],
    ['a cut hash', (phc: string) => phc.slice(0, -4)],
    ['a longer hash', (phc: string) => `${phc}AAAA`],
    ['a cut salt', (phc: string) => phc.replace(/\$[^$]{22}\$/, '$AAAA$')],
    ['another algorithm', (phc: string) => phc.replace('argon2id', 'argon2i')],
    ['another version', (phc: string) => phc.replace('v=19', 'v=16')],
    ['no pepper', (phc: string) => phc.replace(/,keyid=[^$]+/, '')],
    ['costs beyond reason', (phc: string) => phc.replace('t=2', 't=4000000')],
    ['memory beyond reason', (phc: string) => phc.replace('m=19456', 'm=4000000000')],
    ['a megabyte', (phc: string) => phc + 'A'.repeat(1_000_000)],
  ])('says that a stored text is broken that is %s', async (_, broken) => {
    const hasher = hasherWith();
    const phc = broken(await hasher.hash(PASSWORD));
    await expect(hasher.verify(phc, PASSWORD)).rejects.toMatchObject({ status: 503, why: 'malformed' });
  });

  it('lets nobody in where there is no user, at the costs of a new hash', async () => {
    const hasher = hasherWith();
    expect(await hasher.pretend(PASSWORD)).toBe(false);
    const dummy: unknown = Reflect.get(hasher, 'dummy');
    expect(hasher.isOutdated(String(dummy))).toBe(false);
    expect(parseOptions(String(dummy))).toEqual(parseOptions(await hasher.hash(PASSWORD)));
  });
});
