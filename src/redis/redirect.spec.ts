import { describe, expect, it } from 'vitest';
import { RedirectError, readRedirect } from './redirect.js';

describe('readRedirect', () => {
  it.each([
    ['MOVED 3999 127.0.0.1:6381', { kind: 'moved', slot: 3999, host: '127.0.0.1', port: 6381 }],
    ['MOVED 0 node-2.example:6379', { kind: 'moved', slot: 0, host: 'node-2.example', port: 6379 }],
    ['MOVED 3999 :6381', { kind: 'moved', slot: 3999, host: '', port: 6381 }],
    ['MOVED 3999 ::1:6381', { kind: 'moved', slot: 3999, host: '::1', port: 6381 }],
    ['ASK 16383 127.0.0.1:6381', { kind: 'ask', slot: 16_383, host: '127.0.0.1', port: 6381 }],
  ])('reads %j', (message, meaning) => {
    const redirect = readRedirect(message);
    expect(redirect).toBeInstanceOf(RedirectError);
    expect(redirect).toMatchObject(meaning);
  });

  it('reads that the keys of a command are on both sides', () => {
    const message = 'TRYAGAIN Multiple keys request during rehashing of slot';
    expect(readRedirect(message)).toMatchObject({ kind: 'tryagain', slot: undefined });
  });

  it.each([
    'MOVED',
    'MOVED 3999',
    'MOVED 3999 127.0.0.1',
    'MOVED x 127.0.0.1:6381',
    'MOVED 3999 127.0.0.1:x',
    'MOVEDX 3999 127.0.0.1:6381',
    'ERR MOVED 3999 127.0.0.1:6381',
    'moved 3999 127.0.0.1:6381',
    'CLUSTERDOWN Hash slot not served',
    'ERR unknown command',
    '',
  ])('takes %j for an error like any other', (message) => {
    expect(readRedirect(message)).toBeUndefined();
  });

  it.each(['MOVED 16384 127.0.0.1:6381', 'MOVED 3999 127.0.0.1:0', 'ASK 3999 127.0.0.1:65536'])(
    'does not follow %j, which leads nowhere',
    (message) => {
      expect(readRedirect(message)).toBeUndefined();
    },
  );
});
