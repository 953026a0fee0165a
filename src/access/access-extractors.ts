import type { ExtractorTable } from '../rate-limit/index.js';

/**
 * Whom limits per user and per tenant count: `RateLimitModule.forRoot({ extractors: accessExtractors })`. Nobody before
 * AccessGuard, so a route with such limits names the guards in this order: `@UseGuards(AccessGuard, RateLimitGuard)`.
 */
export const accessExtractors = {
  user: { known: 'identity', of: ({ identity }) => identity?.userId },
  tenant: { known: 'identity', of: ({ identity }) => identity?.tenantId },
} as const satisfies ExtractorTable;
