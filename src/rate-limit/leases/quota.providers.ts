import type { Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { PolicyBook } from '../policies/plan.js';
import { RATE_LIMIT_OPTIONS, type RateLimitModuleOptions } from '../rate-limit.options.js';
import { RateLimitWiring } from '../rate-limit.providers.js';
import { replacedRows } from '../replaced-rows.js';
import { type Quotas, compileQuotas } from './compiled-quota.js';
import { checkQuotaRoutes } from './quota-routes.js';
import { STREAM_QUOTAS } from './stream-quotas.table.js';

/** All stream quotas that may be asked for: `Quotas`. Those who count streams and those who set rulings both need them. */
export const QUOTAS = Symbol('rate-limit:stream-quotas');

export const quotaProvider: Provider = {
  provide: QUOTAS,
  useFactory: (
    { streamQuotas = {}, extractors }: RateLimitModuleOptions,
    book: PolicyBook,
    modules: ModulesContainer,
    { logger }: RateLimitWiring,
  ): Quotas => {
    for (const line of replacedRows('stream quota', STREAM_QUOTAS, streamQuotas)) logger.warn(line);
    const quotas = compileQuotas({ ...STREAM_QUOTAS, ...streamQuotas }, (name) => book.has(name));
    const sleeping = checkQuotaRoutes({ quotas, book, extractors, modules });
    for (const limit of sleeping) logger.warn(limit);
    return quotas;
  },
  inject: [RATE_LIMIT_OPTIONS, PolicyBook, ModulesContainer, RateLimitWiring],
};
