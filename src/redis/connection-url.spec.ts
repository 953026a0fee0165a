import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from '../kernel/redact.js';
import { isUrlFault } from '../config/index.js';
import { describeTarget, parseRedisUrl } from './connection-url.js';

const parse = (url: string) => parseRedisUrl(new Secret(url));

/** What a URL means, with the password readable. */
function meaningOf(url: string): unknown {
  const parsed = parse(url);
  if (isUrlFault(parsed)) return parsed;
  const { password, ...rest } = parsed;
  return password === undefined ? rest : { ...rest, password: password.reveal() };
}

const at = (host: string, more: object = {}) => ({ tls: false, host, port: 6379, db: 0, ...more });

const GOOD: readonly (readonly [string, object])[] = [
  ['redis://cache', at('cache')],
  ['redis://cache/', at('cache')],
  ['redis://cache:7000', at('cache', { port: 7000 })],
  ['redis://cache:', at('cache')],
  ['redis://cache:65535/15', at('cache', { port: 65_535, db: 15 })],
  ['redis://cache/0', at('cache')],
  ['redis://cache/007', at('cache', { db: 7 })],
  ['redis://cache.svc_1.example/3', at('cache.svc_1.example', { db: 3 })],
  ['redis://127.0.0.1', at('127.0.0.1')],
  ['redis://[::1]', at('::1')],
  ['redis://[2001:db8::7]:7000/2', at('2001:db8::7', { port: 7000, db: 2 })],
  ['rediss://cache', at('cache', { tls: true })],
  ['REDISS://cache', at('cache', { tls: true })],
  ['Redis://cache', at('cache')],
  ['redis://user@cache', at('cache', { username: 'user' })],
  ['redis://user:pass@cache', at('cache', { username: 'user', password: 'pass' })],
  ['redis://:pass@cache', at('cache', { password: 'pass' })],
  ['redis://user:@cache', at('cache', { username: 'user' })],
  ['redis://:@cache', at('cache')],
  ['redis://us%40er:p%3A%2F%3F%23%5B%40@cache', at('cache', { username: 'us@er', password: 'p:/?#[@' })],
  ['redis://:100%25@cache', at('cache', { password: '100%' })],
  ['redis://:p%E2%82%ACss@cache', at('cache', { password: 'p€ss' })],
  ['redis://:p€ss@cache', at('cache', { password: 'p€ss' })],
  ['redis://:a+b=c&d@cache', at('cache', { password: 'a+b=c&d' })],
  ['redis://:a^b|c\\d@cache', at('cache', { password: 'a^b|c\\d' })],
  // Unescaped, but without doubt about what is meant: the last @ ends the credentials, the first : the user.
  ['redis://user:p@ss@cache', at('cache', { username: 'user', password: 'p@ss' })],
  ['redis://user:p:ss@cache', at('cache', { username: 'user', password: 'p:ss' })],
  ['  redis://cache  ', at('cache')],
  ['redis://:pass@cache\n', at('cache', { password: 'pass' })],
  ['\tredis://cache\r\n', at('cache')],
];

const FORM = /^Write redis:/;
const BAD: readonly (readonly [url: string, rule: RegExp, remedy: RegExp])[] = [
  ['', /not a URL/, FORM],
  ['   ', /not a URL/, FORM],
  ['s3cret', /not a URL/, FORM],
  ['//:s3cret@cache', /not a URL/, FORM],
  ['cache:6379', /scheme/, FORM],
  ['127.0.0.1:6379', /not a URL/, FORM],
  ['http://:s3cret@cache', /scheme/, FORM],
  ['https://:s3cret@cache', /scheme/, FORM],
  ['unix:///run/s3cret.sock', /scheme/, FORM],
  ['/run/s3cret.sock', /not a URL/, FORM],
  ['redis+sentinel://:s3cret@cache/main', /scheme/, FORM],
  ['redis-sentinel://:s3cret@cache', /scheme/, FORM],
  ['valkey://:s3cret@cache', /scheme/, FORM],
  ['redis+tls://:s3cret@cache', /scheme/, FORM],
  ['redis:cache', /no host/, FORM],
  ['redis:', /no host/, FORM],
  ['redis://', /no host/, FORM],
  ['redis:///1', /no host/, FORM],
  ['redis://:s3cret@', /not a URL/, FORM],
  ['redis://:s3cret@:6379', /not a URL/, FORM],
  ['redis://:s3cret@one,two', /not one host/, FORM],
  ['redis://:s3cret@one:1,two:2', /not a URL/, FORM],
  ['redis://:s3cret@*', /not one host/, FORM],
  ['redis://:s3cret@ca%63he', /not one host/, FORM],
  ['redis://:s3cret@-cache', /not one host/, FORM],
  ['redis://:s3cret@::1', /not a URL/, FORM],
  ['redis://:s3cret@[::1', /not a URL/, FORM],
  ['redis://:s3cret@ca che', /not a URL/, FORM],
  ['redis://:s3cret@cache:0', /port 0/, /port/],
  ['redis://:s3cret@cache:65536', /not a URL/, FORM],
  ['redis://:s3cret@cache:-1', /not a URL/, FORM],
  ['redis://:s3cret@cache:abc', /not a URL/, FORM],
  ['redis://:s3cret@cache:63.79', /not a URL/, FORM],
  ['redis://:s3cret@cache/abc', /whole number/, /\/0/],
  ['redis://:s3cret@cache/-1', /whole number/, /\/0/],
  ['redis://:s3cret@cache/1.5', /whole number/, /\/0/],
  ['redis://:s3cret@cache/1e3', /whole number/, /\/0/],
  ['redis://:s3cret@cache/%31', /whole number/, /\/0/],
  ['redis://:s3cret@cache/0/1', /whole number/, /\/0/],
  ['redis://:s3cret@cache/1/', /whole number/, /\/0/],
  ['redis://:s3cret@cache//', /whole number/, /\/0/],
  ['redis://:s3cret@cache/99999999999999999999', /whole number/, /\/0/],
  ['redis://cache?password=s3cret', /query/, /from the \? on/],
  ['redis://cache/0?db=1', /query/, /from the \? on/],
  ['redis://cache/0?', /query/, /from the \? on/],
  ['redis://cache/0#s3cret', /# part/, /%23/],
  ['redis://cache#', /# part/, /%23/],
  ['redis://:s3cret%@cache', /percent-encoding/, /%25/],
  ['redis://:s3cret%zz@cache', /percent-encoding/, /%25/],
  ['redis://s3cret%80:pass@cache', /percent-encoding/, /%25/],
  ['redis://:s3cret/more@cache', /not a URL/, /percent-encode/],
  ['redis://:s3cret?more@cache', /not a URL/, /percent-encode/],
  ['redis://:s3cret#more@cache', /not a URL/, /percent-encode/],
  ['redis://user:12/s3cret@cache', /whole number/, /%2F/],
  ['redis://user:12?s3cret@cache', /query/, /%3F/],
  ['redis://user:12#s3cret@cache', /# part/, /%23/],
  ['redis://:s3\ncret@cache', /line break or a tab/, /one line/],
  ['redis://:s3\tcret@cache', /line break or a tab/, /one line/],
  ['redis://cache\nredis://s3cret', /line break or a tab/, /one line/],
];

describe('parseRedisUrl', () => {
  it.each(GOOD)('reads %j', (url, expected) => {
    expect(meaningOf(url)).toEqual(expected);
  });

  it.each(BAD)('refuses %j', (url, rule, remedy) => {
    const parsed = parse(url);
    expect(parsed).toEqual({ rule: expect.stringMatching(rule), remedy: expect.stringMatching(remedy) });
  });

  it('shows no part of what it refuses', () => {
    for (const [url] of BAD)
      expect(inspect(parse(url), { depth: 5, showHidden: true })).not.toMatch(/s3|cret/);
  });

  it('hides the password of what it accepts', () => {
    const parsed = parse('redis://user:s3cret@cache');
    expect(inspect(parsed, { depth: 5, showHidden: true })).not.toContain('s3cret');
    expect(JSON.stringify(parsed)).not.toContain('s3cret');
  });
});

describe('describeTarget', () => {
  it.each([
    ['REDISS://user:s3cret@cache/3', 'rediss://cache:6379/3'],
    ['redis://:s3cret@[::1]:7000', 'redis://[::1]:7000/0'],
    ['redis://127.0.0.1', 'redis://127.0.0.1:6379/0'],
  ])('shows %s as %s', (url, shown) => {
    const target = parse(url);
    expect(isUrlFault(target) ? target : describeTarget(target)).toBe(shown);
  });
});
