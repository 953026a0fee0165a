import { loadavg, cpus } from 'node:os';
import { isolation } from './isolation.js';
import { purposeClient } from './purpose-client.js';
import { rateLimiter } from './rate-limiter.js';

const SECTIONS = { 'purpose-client': purposeClient, 'rate-limiter': rateLimiter, isolation } as const;

const chosen = process.argv.slice(2).filter((word) => Object.hasOwn(SECTIONS, word));
const sections = chosen.length > 0 ? chosen : Object.keys(SECTIONS);
process.stdout.write(
  `Node ${process.version}, ${cpus().length} cores, load ${loadavg()
    .map((l) => l.toFixed(2))
    .join(' ')}. ` +
    'Rates are medians; ratios are medians of ratios within one round; [slowest – fastest round].\n',
);
for (const section of sections) await SECTIONS[section as keyof typeof SECTIONS]();
process.exit(0);
