import type { Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { BYSTANDERS } from '../bystanders.js';
import { LimitEngine } from '../limit-engine.js';
import { PolicyBook } from '../policies/plan.js';
import { RATE_LIMIT_OPTIONS, type RateLimitModuleOptions } from '../rate-limit.options.js';
import { CallLimits } from './call-limits.js';
import { findDeclarations } from './declarations.js';
import { RateLimitGuard } from './rate-limit.guard.js';
import { RequestLimits } from './request-limits.js';
import { RouteTable } from './route-table.js';

export const httpProviders: Provider[] = [
  {
    provide: RouteTable,
    // All modules are known before the first provider is made, so a fault of any route is found here.
    useFactory: (modules: ModulesContainer, book: PolicyBook, { extractors = {} }: RateLimitModuleOptions) =>
      new RouteTable({
        book,
        extractors,
        declarations: findDeclarations(modules),
        guard: RateLimitGuard,
        bystanders: BYSTANDERS,
      }),
    inject: [ModulesContainer, PolicyBook, RATE_LIMIT_OPTIONS],
  },
  {
    provide: RequestLimits,
    useFactory: (engine: LimitEngine) => new RequestLimits(engine),
    inject: [LimitEngine],
  },
  {
    provide: CallLimits,
    useFactory: (engine: LimitEngine, table: RouteTable, { subjects }: RateLimitModuleOptions) =>
      new CallLimits(engine, table, subjects),
    inject: [LimitEngine, RouteTable, RATE_LIMIT_OPTIONS],
  },
  RateLimitGuard,
];

/** What a module needs whose controllers or gateways name the guard. */
export const httpExports = [RateLimitGuard, RouteTable, RequestLimits, CallLimits];
