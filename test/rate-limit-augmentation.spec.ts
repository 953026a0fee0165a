import { describe, expect, it } from 'vitest';
import { faultsInFeature } from './support/feature-program.js';

/** Under names that no team gives: its own feature is part of the program as well. */
const BROUGHT = `
import { type Extractor, type Policy, type PolicyName, RateLimit, RateLimitModule } from '../../rate-limit/index.js';
const PROBE = {
  limits: [{ per: 'probeDevice', quota: 60, windowMs: 60_000, burst: 10 }],
} as const satisfies Policy;
declare module '../../rate-limit/index.js' {
  interface RateLimitPolicyMap { 'probe-policy': typeof PROBE }
  interface RateLimitDimensionMap { probeDevice: string }
}
const probeDevice: Extractor = { known: 'arrival', of: ({ headers }) => headers['user-agent'] };
export const name: PolicyName = 'probe-policy';
export const module = RateLimitModule.forRoot({ policies: { 'probe-policy': PROBE }, extractors: { probeDevice } });
export const decorators = [RateLimit('probe-policy'), RateLimit('signup', { policy: 'probe-policy', cost: 2 })];
`;

const MISUSE = [
  "export const misspelt = RateLimit('prboe-policy');",
  'export const stranger = RateLimitModule.forRoot({ extractors: { probeDevise: probeDevice } });',
  "export const row: Policy = { limits: [{ per: 'probeDevise', quota: 1, windowMs: 1, burst: 1 }] };",
];

describe('a policy and a dimension that a feature team adds', () => {
  it('are known to the compiler wherever they are named, and the product compiles around them', () => {
    const faults = faultsInFeature('policy', BROUGHT + MISUSE.join('\n'));
    expect(faults.map((fault) => fault.slice(0, fault.indexOf(';') + 1) || fault)).toEqual(MISUSE);
  });
});
