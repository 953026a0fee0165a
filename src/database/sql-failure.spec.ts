import { describe, expect, it } from 'vitest';
import { failureOf, sqlStateOf } from './sql-failure.js';

const coded = (code: string, message = 'x') => Object.assign(new Error(message), { code });

describe('failureOf', () => {
  it.each([
    ['28P01', 'auth', true],
    ['28000', 'auth', true],
    ['3D000', 'other', true],
    ['53300', 'too-many-connections', false],
    ['53100', 'disk-full', false],
    ['53200', 'other', false],
    ['57P01', 'reset', false],
    ['57P03', 'starting', false],
    ['57014', 'timeout', false],
    ['25P03', 'timeout', false],
    ['25006', 'read-only', false],
    ['08006', 'other', false],
    ['58030', 'other', false],
    ['58P01', 'other', false],
    ['ECONNREFUSED', 'refused', false],
    ['EHOSTUNREACH', 'refused', false],
    ['ETIMEDOUT', 'timeout', false],
    ['ECONNRESET', 'reset', false],
    ['EPIPE', 'reset', false],
    ['ENOTFOUND', 'dns', false],
    ['EAI_AGAIN', 'dns', false],
    ['CERT_HAS_EXPIRED', 'tls', true],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls', true],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'tls', true],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls', true],
  ])('puts %s into the word %s', (code, reason, hopeless) => {
    expect(failureOf(coded(code))).toMatchObject({ reason, hopeless });
  });

  it.each([
    ['The server does not support SSL connections', 'tls'],
    ['SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a non-empty string', 'auth'],
    ['timeout expired', 'timeout'],
    ['Connection terminated due to connection timeout', 'timeout'],
    ['Connection terminated unexpectedly', 'reset'],
    ['Client has encountered a connection error and is not queryable', 'reset'],
  ])('reads the library where it gives no code: %s', (message, reason) => {
    expect(failureOf(new Error(message))).toMatchObject({ reason });
  });

  it('says that TLS is missing where the server asks for it', () => {
    const message = 'no pg_hba.conf entry for host "10.0.0.1", user "canary", database "x", no encryption';
    const failure = failureOf(coded('28000', message));
    expect(failure).toMatchObject({ reason: 'tls' });
    expect(JSON.stringify(failure)).not.toContain('canary');
  });

  it.each(['23505', '22P02', '40001', '40P01', '42P01', '42501', '55P03', '25P02'])(
    'is undefined where the server refused a statement: %s',
    (code) => {
      expect(failureOf(coded(code))).toBeUndefined();
    },
  );

  it('takes a missing right for the role where the login is not over', () => {
    expect(failureOf(coded('42501'), true)).toMatchObject({ reason: 'auth', suspect: 'grants' });
  });

  it('is undefined for what is not about SQL', () => {
    for (const thing of [undefined, null, 'text', {}, new Error('of our own')])
      expect(failureOf(thing)).toBeUndefined();
  });
});

describe('sqlStateOf', () => {
  it.each([
    [coded('23505'), '23505'],
    [coded('EPIPE'), undefined],
    [coded('ENOENT'), undefined],
    [new Error('x'), undefined],
    [{ code: '23505' }, undefined],
  ])('of %s is %s', (error, state) => {
    expect(sqlStateOf(error)).toBe(state);
  });
});
