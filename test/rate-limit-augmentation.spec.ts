import { describe, expect, it } from 'vitest';
import { faultsInFeature } from './support/feature-program.js';

const BROUGHT = `
import { type Extractor, type Policy, type PolicyName, RateLimit, RateLimitModule } from '../../rate-limit/index.js';
const CHAT = {
  limits: [{ per: 'device', quota: 60, windowMs: 60_000, burst: 10 }],
} as const satisfies Policy;
declare module '../../rate-limit/index.js' {
  interface RateLimitPolicyMap { chat: typeof CHAT }
  interface RateLimitDimensionMap { device: string }
}
const device: Extractor = { known: 'arrival', of: ({ headers }) => headers['user-agent'] };
export const name: PolicyName = 'chat';
export const module = RateLimitModule.forRoot({ policies: { chat: CHAT }, extractors: { device } });
export const decorators = [RateLimit('chat'), RateLimit('signup', { policy: 'chat', cost: 2 })];
`;

const MISUSE = [
  "export const misspelt = RateLimit('chta');",
  'export const stranger = RateLimitModule.forRoot({ extractors: { devise: device } });',
  "export const row: Policy = { limits: [{ per: 'devise', quota: 1, windowMs: 1, burst: 1 }] };",
];

describe('a policy and a dimension that a feature team adds', () => {
  it('are known to the compiler wherever they are named, and the product compiles around them', () => {
    const faults = faultsInFeature('chat', BROUGHT + MISUSE.join('\n'));
    expect(faults.map((fault) => fault.slice(0, fault.indexOf(';') + 1) || fault)).toEqual(MISUSE);
  }, 120_000);
});
