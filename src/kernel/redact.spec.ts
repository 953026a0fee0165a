import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret, redact, redactText } from './redact.js';

describe('A Secret', () => {
  const secret = new Secret('hunter2');

  it.each([
    ['String', String(secret)],
    ['JSON', JSON.stringify({ secret })],
    ['inspect', inspect({ secret }, { depth: 9, showHidden: true })],
    ['a template', `${String(secret)}`],
  ])('shows nothing through %s', (_, text) => {
    expect(text).not.toContain('hunter2');
    expect(text).toContain('***');
  });

  it('gives its value to whoever asks for it by name', () => {
    expect(secret.reveal()).toBe('hunter2');
  });
});

describe('Redaction of text', () => {
  it.each([
    ['redis://user:hunter2@host:6379/0 is away', 'redis://***@host:6379/0 is away'],
    ['rediss://:hunter2@host', 'rediss://***@host'],
    ['Authorization: Bearer hunter2hunter2', 'Authorization: *** ***'],
    ['got bearer abcdefghij1234', 'got bearer ***'],
    ['password=hunter2, next', 'password=***, next'],
    ['{"token":"hunter2"}', '{"token":"***"}'],
    ['nothing to hide', 'nothing to hide'],
    ['at 12:30 in /srv/app', 'at 12:30 in /srv/app'],
  ])('turns "%s" into "%s"', (text, expected) => {
    const masked = redactText(text);
    expect(masked).not.toContain('hunter2');
    expect(masked).toBe(expected);
  });
});

describe('Redaction of values', () => {
  it('masks by key at any depth and leaves the original alone', () => {
    const value = { a: { password: 'hunter2', list: [{ apiKey: 'hunter2', ok: 1 }] } };
    expect(redact(value)).toEqual({ a: { password: '***', list: [{ apiKey: '***', ok: 1 }] } });
    expect(value.a.password).toBe('hunter2');
  });

  it('reduces an error to its name, message, code and stack, since library errors carry arguments', () => {
    const error = Object.assign(new Error('failed'), { code: 'E_X', command: { args: ['AUTH', 'hunter2'] } });
    const shown = JSON.stringify(redact({ error }));
    expect(shown).toContain('E_X');
    expect(shown).not.toContain('hunter2');
  });

  it('takes no prototype from a key called __proto__', () => {
    const copy = redact(JSON.parse('{"__proto__":{"admin":true},"a":1}')) as { admin?: boolean };
    expect(copy.admin).toBeUndefined();
    expect(Object.keys(copy)).toEqual(['a']);
  });

  it('ends on values that contain themselves', () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    expect(JSON.stringify(redact(loop))).toContain('[deep]');
  });
});
