/** A house in miniature that obeys every rule, and one file per way of breaking one. */

export const cleanHouse: Record<string, string> = {
  'src/kernel/time.ts': `export const now = (): number => 0;\n`,
  'src/config/settings.ts': `export const port = process.env['PORT'];\n`,
  'src/config/index.ts': `export { port } from './settings.js';\n`,
  'src/telemetry/metrics.ts': `import { port } from '../config/index.js';\nexport const label = port;\n`,
  'src/telemetry/index.ts': `export { label } from './metrics.js';\n`,
  'src/http/problem.ts': `export const problem = 'about:blank';\n`,
  'src/http/index.ts': `export { problem } from './problem.js';\n`,
  'src/redis/registry.ts': `import { Redis } from 'ioredis';\nimport { now } from '../kernel/time.js';\nexport const registry = { Redis, now };\n`,
  'src/redis/embedded/engine.ts': `import { registry } from '../registry.js';\nimport { now } from '../../kernel/time.js';\nimport { label } from '../../telemetry/index.js';\nexport const engine = async () => [await import('js-redis-server'), registry, now, label];\n`,
  'src/redis/index.ts': `export { registry } from './registry.js';\n`,
  'src/rate-limit/limiter.ts': `import { registry } from '../redis/index.js';\nimport { problem } from '../http/index.js';\nexport const limiter = [registry, problem];\n`,
  'src/rate-limit/index.ts': `export { limiter } from './limiter.js';\n`,
  'src/auth/auth.module.ts': `import { limiter } from '../rate-limit/index.js';\nexport class AuthModule {\n  readonly limiter = limiter;\n}\n`,
  'src/billing/billing.module.ts': `export class BillingModule {}\n`,
  'src/features/orders/orders.module.ts': `import { total } from './lines/total.js';\nexport class OrdersModule {\n  readonly total = total;\n}\n`,
  'src/features/orders/lines/total.ts': `import { now } from '../../../kernel/time.js';\nimport { currency } from '../currency.js';\nexport const total = [now, currency];\n`,
  'src/features/orders/currency.ts': `import { registry } from '../../redis/index.js';\nexport const currency = registry;\n`,
  'src/features/invoices/invoices.module.ts': `export class InvoicesModule {}\n`,
  'src/health/health.module.ts': `import { AuthModule } from '../auth/auth.module.js';\nexport const watched = AuthModule;\n`,
  'src/app.module.ts': `import { watched } from './health/health.module.js';\nimport { registry } from './redis/index.js';\nexport const app = [watched, registry];\n`,
  'src/main.ts': `import { app } from './app.module.js';\nconsole.log(app, process.env['PORT']);\n`,
};

export interface Offence {
  what: string;
  file: string;
  text: string;
  rule: string;
  /** Part of the advice that the linter gives with it. */
  advice?: string;
}

const imports = 'eslint(no-restricted-imports)';

export const offences: Offence[] = [
  {
    what: 'an upward import',
    file: 'src/kernel/upward.ts',
    text: `export { port } from '../config/index.js';\n`,
    rule: imports,
    advice: "'kernel' (floor 0)",
  },
  {
    what: 'an upward import from a nested folder',
    file: 'src/redis/embedded/upward.ts',
    text: `export { AuthModule } from '../../auth/auth.module.js';\n`,
    rule: imports,
    advice: "'redis' (floor 2)",
  },
  {
    what: 'an import of a roof file',
    file: 'src/health/roof.ts',
    text: `export { app } from '../app.module.js';\n`,
    rule: imports,
    advice: "'health' (floor 6)",
  },
  {
    what: 'a stranger on the same floor',
    file: 'src/auth/stranger.ts',
    text: `export { BillingModule } from '../billing/billing.module.js';\n`,
    rule: imports,
    advice: "'auth' (floor 5)",
  },
  {
    what: 'a stranger on the same floor, loaded lazily',
    file: 'src/auth/lazy-stranger.ts',
    text: `export const billing = async () => import('../billing/billing.module.js');\n`,
    rule: imports,
    advice: "'auth' (floor 5)",
  },
  {
    what: 'config importing telemetry, which may only import config',
    file: 'src/config/neighbour.ts',
    text: `export { label } from '../telemetry/index.js';\n`,
    rule: imports,
    advice: "'config' (floor 1)",
  },
  {
    what: 'redis importing http, its neighbour',
    file: 'src/redis/neighbour.ts',
    text: `export { problem } from '../http/index.js';\n`,
    rule: imports,
    advice: "'redis' (floor 2)",
  },
  {
    what: 'one added feature importing another',
    file: 'src/features/orders/stranger.ts',
    text: `export { InvoicesModule } from '../invoices/invoices.module.js';\n`,
    rule: imports,
    advice: "'features/*' (floor 5)",
  },
  {
    what: 'one added feature importing another from a nested folder',
    file: 'src/features/orders/lines/stranger.ts',
    text: `export { InvoicesModule } from '../../invoices/invoices.module.js';\n`,
    rule: imports,
    advice: "'features/*' (floor 5)",
  },
  {
    what: 'an added feature importing a built-in one',
    file: 'src/features/orders/built-in.ts',
    text: `export { AuthModule } from '../../auth/auth.module.js';\n`,
    rule: imports,
    advice: "'features/*' (floor 5)",
  },
  {
    what: 'a bypassed door',
    file: 'src/auth/bypass.ts',
    text: `export { registry } from '../redis/registry.js';\n`,
    rule: imports,
    advice: 'redis/index.js',
  },
  {
    what: 'a bypassed door, for a type only',
    file: 'src/auth/bypass-type.ts',
    text: `import type { registry } from '../redis/registry.js';\nexport type Registry = typeof registry;\n`,
    rule: imports,
    advice: 'redis/index.js',
  },
  {
    what: 'a door bypassed by the roof',
    file: 'src/app.bypass.ts',
    text: `export { registry } from './redis/registry.js';\n`,
    rule: imports,
    advice: 'through their door',
  },
  {
    what: 'an own door used inside',
    file: 'src/redis/own-door.ts',
    text: `export { registry } from './index.js';\n`,
    rule: imports,
    advice: 'for outsiders',
  },
  {
    what: 'an own door used from a nested folder',
    file: 'src/redis/embedded/own-door.ts',
    text: `export { registry } from '../index.js';\n`,
    rule: imports,
    advice: 'for outsiders',
  },
  {
    what: 'a detour round the floors',
    file: 'src/auth/detour.ts',
    text: `export { BillingModule } from '../kernel/../billing/billing.module.js';\n`,
    rule: imports,
    advice: 'shortest path',
  },
  {
    what: 'a circle',
    file: 'src/billing/circle.ts',
    text: `import { back } from './circle-back.js';\nexport const there = (): unknown => back;\n`,
    rule: 'import(no-cycle)',
  },
  {
    what: 'the other half of the circle',
    file: 'src/billing/circle-back.ts',
    text: `import { there } from './circle.js';\nexport const back = (): unknown => there;\n`,
    rule: 'import(no-cycle)',
  },
  {
    what: 'ioredis in a feature',
    file: 'src/billing/client.ts',
    text: `import { Redis } from 'ioredis';\nexport const client = Redis;\n`,
    rule: imports,
    advice: 'ioredis in src/redis',
  },
  {
    what: 'a type of ioredis in a feature',
    file: 'src/billing/client-type.ts',
    text: `import type { Redis } from 'ioredis';\nexport type Client = Redis;\n`,
    rule: imports,
    advice: 'ioredis in src/redis',
  },
  {
    what: 'a file inside ioredis in a feature',
    file: 'src/billing/client-inside.ts',
    text: `import type { Redis } from 'ioredis/built/Redis.js';\nexport type Client = Redis;\n`,
    rule: imports,
    advice: 'ioredis in src/redis',
  },
  {
    what: 'the embedded engine outside its adapter',
    file: 'src/redis/engine.ts',
    text: `export const engine = async () => import('js-redis-server');\n`,
    rule: imports,
    advice: 'js-redis-server in src/redis/embedded',
  },
  {
    what: 'the environment read in a feature',
    file: 'src/billing/environment.ts',
    text: `export const key = process.env['STRIPE_KEY'];\n`,
    rule: 'node(no-process-env)',
  },
  {
    what: 'the environment imported in a feature',
    file: 'src/billing/environment-import.ts',
    text: `import { env } from 'node:process';\nexport const key = env['STRIPE_KEY'];\n`,
    rule: imports,
    advice: 'src/config',
  },
  {
    what: 'the console used in a feature',
    file: 'src/billing/console.ts',
    text: `console.log('paid');\n`,
    rule: 'eslint(no-console)',
  },
  {
    what: 'everything re-exported',
    file: 'src/billing/barrel.ts',
    text: `export * from './billing.module.js';\n`,
    rule: 'oxc(no-barrel-file)',
  },
  {
    what: 'a floating promise',
    file: 'src/billing/floating.ts',
    text: `const later = async (): Promise<void> => undefined;\nlater();\nexport {};\n`,
    rule: 'typescript(no-floating-promises)',
  },
  {
    what: 'a promise where nobody waits',
    file: 'src/billing/misused.ts',
    text: `export const all = [1].forEach(async () => undefined);\n`,
    rule: 'typescript(no-misused-promises)',
  },
  {
    what: 'an any',
    file: 'src/billing/any.ts',
    text: `export const anything: any = 1;\n`,
    rule: 'typescript(no-explicit-any)',
  },
  {
    what: 'a switch that forgets a case',
    file: 'src/billing/forgetful.ts',
    text: `export function rate(kind: 'a' | 'b'): number {\n  switch (kind) {\n    case 'a':\n      return 1;\n  }\n  return 0;\n}\n`,
    rule: 'typescript(switch-exhaustiveness-check)',
  },
  {
    what: 'five parameters',
    file: 'src/billing/parameters.ts',
    text: `export const many = (a: 1, b: 1, c: 1, d: 1, e: 1): number => a + b + c + d + e;\n`,
    rule: 'eslint(max-params)',
  },
  {
    what: 'a file over 300 lines',
    file: 'src/billing/long.ts',
    text: `${'// a line\n'.repeat(301)}export {};\n`,
    rule: 'eslint(max-lines)',
  },
  {
    what: 'a file name in camel case',
    file: 'src/billing/camelCase.ts',
    text: `export {};\n`,
    rule: 'unicorn(filename-case)',
  },
];
