import type { ModulesContainer } from '@nestjs/core';
import { DeclarationError } from './declaration-error.js';
import { RATE_LIMIT_OPTIONS, type RateLimitModuleOptions } from './rate-limit.options.js';

/** `RateLimitModule.forRoot()` is called more than once; the application does not start. */
export class RateLimitRootError extends DeclarationError {
  protected readonly subject = 'rate limiting';
}

/**
 * The options are those of one call; policies, quotas and extractors of any other would be lost without a word.
 *
 * @throws RateLimitRootError saying what each call was given
 */
export function assertOneRoot(modules: ModulesContainer): void {
  const given = [...modules.values()].flatMap(({ providers }) => {
    const options = providers.get(RATE_LIMIT_OPTIONS);
    return options ? [contents(options.instance as RateLimitModuleOptions)] : [];
  });
  if (given.length < 2) return;
  throw new RateLimitRootError([
    `RateLimitModule.forRoot() is called ${given.length} times (${given.join('; ')}), and the options of one call only ` +
      'would hold. The application calls it once. A feature imports RateLimitModule, and what it adds (policies, ' +
      'streamQuotas, extractors, subjects) stands under `rateLimit` in src/app.features.ts',
  ]);
}

/** Names only: `policies export, import`. */
function contents({ policies, streamQuotas, extractors }: RateLimitModuleOptions): string {
  const parts = Object.entries({ policies, streamQuotas, extractors }).flatMap(([part, table]) => {
    const names = Object.keys(table ?? {});
    return names.length > 0 ? [`${part} ${names.join(', ')}`] : [];
  });
  return parts.join(', ') || 'nothing';
}
