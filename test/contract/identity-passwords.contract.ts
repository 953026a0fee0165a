import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PasswordPolicyError, Passwords, UserNotFoundError, Users } from '../../src/identity/index.js';
import { credentials, passwordHistory } from '../../src/identity/identity.tables.js';
import { HashQueue } from '../../src/identity/passwords/hash-queue.js';
import { Metrics } from '../../src/telemetry/index.js';
import { IdentityRig, NOBODY, PASSWORD, logged } from './identity.rig.js';

const OLD = 'old pepper '.repeat(4);
const NEW = 'new pepper '.repeat(4);

describe('Passwords in SQL', () => {
  let rig: IdentityRig;
  let passwords: Passwords;
  beforeAll(async () => {
    rig = await IdentityRig.open({ PASSWORD_PEPPER: `${NEW},${OLD}` });
    passwords = rig.get(Passwords);
  });
  afterAll(() => rig.close());

  const change = (userId: string, password: string) =>
    passwords.change({ userId, password }, () => Promise.resolve('done'));
  const stored = async (userId: string) => {
    const rows = await rig.db.run((sql) =>
      sql.select().from(credentials).where(eq(credentials.userId, userId)),
    );
    return rows[0]?.phc ?? '';
  };
  const store = (userId: string, phc: string) =>
    rig.db.run((sql) => sql.update(credentials).set({ phc }).where(eq(credentials.userId, userId)));
  const remembered = (userId: string) =>
    rig.db.run((sql) => sql.select().from(passwordHistory).where(eq(passwordHistory.userId, userId)));
  const checks = async () => {
    const { values } = await rig.get(Metrics).passwordChecks.get();
    return Object.fromEntries(values.map(({ labels, value }) => [labels.outcome, value]));
  };

  it('match in every composition, and are counted', async () => {
    const { id } = await rig.user('accents', 'caf\u00E9 lantern oyster');
    const before = await checks();
    expect(await passwords.verify(id, 'cafe\u0301 lantern oyster')).toBe('match');
    expect(await passwords.verify(id, 'cafe lantern oyster')).toBe('mismatch');
    expect(await checks()).toEqual({
      ...before,
      match: (before['match'] ?? 0) + 1,
      mismatch: (before['mismatch'] ?? 0) + 1,
    });
  });

  it.each([
    ['nobody', undefined, PASSWORD],
    ['an id that nobody has', NOBODY, PASSWORD],
    ['a text that is no id', '__proto__', PASSWORD],
    ['nobody with half a character', undefined, '\uD800'],
    ['nobody with a megabyte', undefined, 'x'.repeat(1_000_000)],
  ])('let in neither %s', async (_, userId, password) => {
    expect(await passwords.verify(userId, password)).toBe('mismatch');
  });

  it('cost one hash and one statement, whoever asks with whatever', async () => {
    const { id } = await rig.user('measured');
    const hash = vi.spyOn(rig.get(HashQueue), 'run');
    const [run, select] = [vi.spyOn(rig.db, 'run'), vi.spyOn(rig.db, 'select')];
    for (const [userId, password] of [
      [id, PASSWORD],
      [id, 'something else entirely'],
      [id, '\uD800'],
      [NOBODY, PASSWORD],
      [undefined, PASSWORD],
      [undefined, 'x'.repeat(1_000_000)],
    ] as const) {
      await passwords.verify(userId, password);
      const asked = run.mock.calls.length + select.mock.calls.length;
      expect([hash.mock.calls.length, asked]).toEqual([1, 1]);
      vi.clearAllMocks();
    }
    vi.restoreAllMocks();
  });

  it('let in no user with a password that could be nobody’s', async () => {
    const { id } = await rig.user('hostile');
    for (const password of ['', '\uD800', `${PASSWORD}\uD800`, 'x'.repeat(1_000_000)]) {
      expect(await passwords.verify(id, password)).toBe('mismatch');
    }
  });

  it('refuse the present and the four before it, and take the fifth again', async () => {
    const { id } = await rig.user('history', 'lantern oyster 0000');
    for (let at = 1; at <= 5; at += 1) {
      expect(await change(id, `lantern oyster 000${at}`)).toBe('done');
    }
    for (let at = 1; at <= 5; at += 1) {
      await expect(change(id, `lantern oyster 000${at}`)).rejects.toMatchObject({
        status: 422,
        slug: 'password-reused',
      });
    }
    expect(await passwords.verify(id, 'lantern oyster 0005')).toBe('match');
    expect(await change(id, 'lantern oyster 0000')).toBe('done');
    expect(await remembered(id)).toHaveLength(4);
  });

  it('judge before anything is written', async () => {
    const { id } = await rig.user('margaret');
    const before = await stored(id);
    for (const password of ['short', 'I am margaret the great', 'passwordpassword', '\uD800'.repeat(20)]) {
      await expect(change(id, password)).rejects.toBeInstanceOf(PasswordPolicyError);
    }
    expect(await stored(id)).toBe(before);
    expect(await remembered(id)).toEqual([]);
  });

  it('are kept together with what belongs to them, or not at all', async () => {
    const { id } = await rig.user('atomic');
    const before = await stored(id);
    const failing = passwords.change({ userId: id, password: 'another oyster hill' }, async (tx) => {
      await rig.get(Users).bumpEpoch(id, tx);
      throw new Error('the mail could not be written');
    });
    await expect(failing).rejects.toThrow('the mail could not be written');
    expect(await stored(id)).toBe(before);
    expect(await remembered(id)).toEqual([]);
    expect(await rig.get(Users).epochOf(id)).toBe(1);
    await passwords.change({ userId: id, password: 'another oyster hill' }, (tx) =>
      rig.get(Users).bumpEpoch(id, tx),
    );
    expect(await rig.get(Users).epochOf(id)).toBe(2);
    expect(await passwords.verify(id, PASSWORD)).toBe('mismatch');
  });

  it('are compared with each other where two change at once: one of two equal ones is reused', async () => {
    const { id } = await rig.user('parallel');
    const outcomes = await Promise.allSettled([
      change(id, 'the very same oyster'),
      change(id, 'the very same oyster'),
    ]);
    const refused = outcomes.flatMap((outcome): unknown[] =>
      outcome.status === 'rejected' ? [outcome.reason] : [],
    );
    expect(refused).toEqual([expect.objectContaining({ slug: 'password-reused' })]);
    expect(await remembered(id)).toHaveLength(1);
  });

  it('end in an order where three different ones change at once, and none is forgotten', async () => {
    const { id } = await rig.user('in-order');
    const wanted = ['oyster number one ok', 'oyster number two ok', 'oyster number three'];
    await Promise.all(wanted.map((password) => change(id, password)));
    expect(await remembered(id)).toHaveLength(3);
    for (const password of [PASSWORD, ...wanted]) {
      await expect(change(id, password)).rejects.toMatchObject({ slug: 'password-reused' });
    }
  });

  it('are of users only', async () => {
    for (const userId of [NOBODY, '', '\u0000']) {
      await expect(change(userId, 'another oyster hill')).rejects.toBeInstanceOf(UserNotFoundError);
    }
  });

  it('are hashed anew under the newest pepper when their owner signs in, and not before', async () => {
    const { id } = await rig.user('rehash');
    const older = await IdentityRig.open({ PASSWORD_PEPPER: OLD });
    const phc = (await older.get(Passwords).hashNew(PASSWORD, 'x@example.com')).reveal();
    await older.close();
    await store(id, phc);
    expect(await passwords.verify(id, 'something else')).toBe('mismatch');
    expect(await stored(id)).toBe(phc);
    expect(await passwords.verify(id, PASSWORD)).toBe('match');
    const renewed = await stored(id);
    expect(keyIdOf(renewed)).not.toBe(keyIdOf(phc));
    expect(await passwords.verify(id, PASSWORD)).toBe('match');
    expect(await stored(id)).toBe(renewed);
    expect(await remembered(id)).toEqual([]);
  });

  it('that cannot be read are an alert and 503, and the user can still get a new one', async () => {
    const { id } = await rig.user('damaged');
    const phc = await stored(id);
    for (const [broken, why] of [
      [phc.slice(0, -3), 'malformed'],
      ['', 'malformed'],
      [phc.replace(/keyid=.{8}/, 'keyid=AAAAAAAA'), 'unknown-pepper'],
    ] as const) {
      await store(id, broken);
      const before = (await checks())['unreadable'] ?? 0;
      await expect(passwords.verify(id, PASSWORD)).rejects.toMatchObject({ status: 503, why });
      expect((await checks())['unreadable']).toBe(before + 1);
      expect(logged.at(-1)).toContain(`"event":"credential_unreadable","user_id":"${id}","reason":"${why}"`);
    }
    expect(logged.join('\n')).not.toContain(phc.slice(-20, -4));
    expect(await change(id, 'another oyster hill')).toBe('done');
    expect(await passwords.verify(id, 'another oyster hill')).toBe('match');
  });
});

const keyIdOf = (phc: string) => /keyid=([^$]+)/.exec(phc)?.[1];
