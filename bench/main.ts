import { cpus } from 'node:os';
import { access } from './access.js';
import { load } from './cores.js';
import { isolation } from './isolation.js';
import { purposeClient } from './purpose-client.js';
import { http } from './rate-limit/http.js';
import { library } from './rate-limit/library.js';
import { memory } from './rate-limit/memory.js';
import { overshoot } from './rate-limit/overshoot.js';

/** `memory`, `overshoot` and `http` are about the rate limiter, too. */
const SECTIONS = {
  'purpose-client': purposeClient,
  'rate-limiter': library,
  memory,
  overshoot,
  http,
  isolation,
  access,
} as const;

const chosen = process.argv.slice(2).filter((word) => Object.hasOwn(SECTIONS, word));
const sections = chosen.length > 0 ? chosen : Object.keys(SECTIONS);
process.stdout.write(
  `Node ${process.version}, ${cpus().length} cores, load ${load()}. ` +
    'Rates are medians; ratios are medians of ratios within one round; [slowest – fastest round].\n',
);
for (const section of sections) await SECTIONS[section as keyof typeof SECTIONS]();
process.stdout.write(`\nLoad at the end ${load()}.\n`);
process.exit(0);
