import { describe, expect, it } from 'vitest';
import { completeRule, parseRedisVersion } from './acl-line.js';
import { UsageError } from './cli-context.js';

describe('parseRedisVersion', () => {
  it.each([
    ['7', [7, 0]],
    ['7.0.15', [7, 0]],
    ['10.1', [10, 1]],
  ])('reads %s', (text, version) => {
    expect(parseRedisVersion(text)).toEqual(version);
  });

  it.each(['6.0', '5', '0', '6.2.14'])('refuses %s as too old', (text) => {
    expect(() => parseRedisVersion(text)).toThrow(/7\.0 or newer/);
  });

  it.each(['', 'latest', '7.x', '-7', '7.0 +@all', '7.0.1.2'])('refuses "%s" as no version', (text) => {
    expect(() => parseRedisVersion(text)).toThrow(UsageError);
  });
});

describe('completeRule', () => {
  const rule = 'user app on >PASSWORD resetchannels ~rl:* -@all +get';

  it('clears whatever the user had before, selectors too', () => {
    expect(completeRule(rule)).toBe(
      'user app resetpass resetkeys clearselectors on >PASSWORD resetchannels ~rl:* -@all +get',
    );
  });
});
