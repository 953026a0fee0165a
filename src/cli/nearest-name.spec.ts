import { describe, expect, it } from 'vitest';
import { nearestName } from './nearest-name.js';

const known = ['PORT', 'HOST', 'REDIS_URL', 'AUTH_CACHE_REDIS_URL', 'BILLING_EVENTS_REDIS_URL'];

describe('nearestName', () => {
  it.each([
    ['PROT', 'PORT'],
    ['redis_url', 'REDIS_URL'],
    ['REDIS_URI', 'REDIS_URL'],
    ['AUTHCACHE_REDIS_URL', 'AUTH_CACHE_REDIS_URL'],
    ['BILLING_EVENT_REDIS_URL', 'BILLING_EVENTS_REDIS_URL'],
  ])('takes %s for %s', (name, meant) => {
    expect(nearestName(name, known)).toBe(meant);
  });

  it('guesses nothing for a name that is far from all', () => {
    expect(nearestName('SENTRY_DSN', known)).toBeUndefined();
  });
});
