import { describe, expect, it } from 'vitest';
import { originOf, targetOf } from './target.js';

describe('The target of a load test', () => {
  it.each([
    ['https://api.example.com', 'https://api.example.com:443', 443],
    ['http://10.0.0.1:8080/base/', 'http://10.0.0.1:8080/base', 8080],
    ['http://[::1]:3000/', 'http://[::1]:3000', 3000],
    ['http://h', 'http://h:80', 80],
  ])('reads %s', (text, origin, port) => {
    const target = targetOf(new URL(text));
    expect(target.port).toBe(port);
    expect(originOf(target)).toBe(origin);
    expect(target.token).toBeUndefined();
  });

  it('takes a token unless it is empty, and shows it nowhere', () => {
    const target = targetOf(new URL('https://h'), 'canary');
    expect(target.token).toBe('canary');
    expect(originOf(target)).not.toContain('canary');
    expect(targetOf(new URL('https://h'), '').token).toBeUndefined();
  });
});
