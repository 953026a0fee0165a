import { describe, expect, it } from 'vitest';
import { Secret } from '../kernel/redact.js';
import { isUrlFault } from '../config/index.js';
import { describeTarget, parseDatabaseUrl } from './database-url.js';

const parse = (text: string) => parseDatabaseUrl(new Secret(text));

describe('parseDatabaseUrl', () => {
  it.each([
    ['postgres://u:p@db.internal/app', { host: 'db.internal', port: 5432, database: 'app', tls: false }],
    [
      'postgresql://u@10.0.0.1:6432/app?sslmode=verify-full',
      { host: '10.0.0.1', port: 6432, database: 'app', tls: true },
    ],
    [
      'postgres://u@[::1]:5433/a%2Fb?sslmode=require',
      { host: '::1', port: 5433, database: 'a/b', tls: true },
    ],
    ['postgres://u@h/app?sslmode=disable', { host: 'h', port: 5432, database: 'app', tls: false }],
  ])('reads %s', (text, target) => {
    expect(parse(text)).toMatchObject(target);
  });

  it('decodes user and password, and keeps the password wrapped', () => {
    const parsed = parse('postgres://u%40x:p%2F%3A%C3%BC@h/app');
    expect(parsed).toMatchObject({ username: 'u@x' });
    if (isUrlFault(parsed)) throw new Error('refused');
    expect([String(parsed.password), parsed.password?.reveal()]).toEqual(['***', 'p/:ü']);
  });

  it.each([
    ['', 'is not a URL'],
    ['localhost:5432/app', 'has a scheme other than'],
    ['redis://h/0', 'has a scheme other than'],
    ['postgres:///app', 'names no host'],
    ['postgres://h1,h2/app', 'names something that is not one host'],
    ['postgres://%2Fvar%2Frun/app', 'names something that is not one host'],
    ['postgres://u@h:0/app', 'names port 0'],
    ['postgres://u@h', 'names no database'],
    ['postgres://u@h/', 'names no database'],
    ['postgres://u@h/a/b', 'names no database, or more than one'],
    ['postgres://u@h/app#x', 'has a # part'],
    ['postgres://u@h/app?host=evil', 'has query parameters other than sslmode'],
    ['postgres://u@h/app?sslmode=require&options=-c', 'has query parameters other than sslmode'],
    ['postgres://u@h/app?sslmode=no-verify', 'has an sslmode that does not say'],
    ['postgres://u@h/app?sslmode=prefer', 'has an sslmode that does not say'],
    ['postgres://u@h/app?sslmode=require&sslmode=disable', 'has an sslmode that does not say'],
    ['postgres://u@h/app?sslmode=__proto__', 'has an sslmode that does not say'],
    ['postgres://u:%zz@h/app', 'broken percent-encoding'],
    ['postgres://u:a%00b@h/app', 'NUL character'],
    ['postgres://u:a\nb@h/app', 'holds a line break'],
  ])('refuses %j and never shows it', (text, rule) => {
    const parsed = parse(text.replace(/u:/, 'u:canary'));
    expect(parsed).toMatchObject({ rule: expect.stringContaining(rule) as string });
    expect(JSON.stringify(parsed)).not.toContain('canary');
  });
});

describe('describeTarget', () => {
  it.each([
    ['postgres://u:canary@h/app', 'postgres://h:5432/app'],
    ['postgres://u@[::1]:1/a%2Fb?sslmode=require', 'postgres://[::1]:1/a%2Fb?sslmode=verify-full'],
  ])('shows %s without user and password', (text, shown) => {
    const parsed = parse(text);
    expect(isUrlFault(parsed) ? parsed : describeTarget(parsed)).toBe(shown);
  });
});
