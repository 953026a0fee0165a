import { cpus } from 'node:os';
import { AUTH_SECTIONS, LONG_SECTIONS, auth } from './auth.js';
import { load } from './cores.js';

/**
 * `memory`, `overshoot` and `http` are about the rate limiter, too. Each is loaded when its turn comes: what one compares
 * with need not be installed for another.
 */
const SECTIONS = {
  'purpose-client': async () => (await import('./purpose-client.js')).purposeClient(),
  'rate-limiter': async () => (await import('./rate-limit/library.js')).library(),
  memory: async () => (await import('./rate-limit/memory.js')).memory(),
  overshoot: async () => (await import('./rate-limit/overshoot.js')).overshoot(),
  http: async () => (await import('./rate-limit/http.js')).http(),
  isolation: async () => (await import('./isolation.js')).isolation(),
  'billing-log': async () => (await import('./billing-log.js')).billingLog(),
  'billing-fanout': async () => (await import('./billing/fanout.js')).billingFanout(),
  'billing-webhook': async () => (await import('./billing/webhook.js')).billingWebhook(),
  'billing-backfill': async () => (await import('./billing-backfill.js')).billingBackfill(),
  ...AUTH_SECTIONS,
  auth,
} as const;

/** What nobody asked for by name: `auth` is a sum, and others take too long. */
const NAMED_ONLY: readonly string[] = ['auth', ...LONG_SECTIONS];

const chosen = process.argv.slice(2).filter((word) => Object.hasOwn(SECTIONS, word));
const sections =
  chosen.length > 0 ? chosen : Object.keys(SECTIONS).filter((one) => !NAMED_ONLY.includes(one));
process.stdout.write(
  `Node ${process.version}, ${cpus().length} cores, load ${load()}. ` +
    'Rates are medians; ratios are medians of ratios within one round; [slowest – fastest round].\n',
);
for (const section of sections) await SECTIONS[section as keyof typeof SECTIONS]();
process.stdout.write(`\nLoad at the end ${load()}.\n`);
process.exit(0);
