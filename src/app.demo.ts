import type { PurposeStatus } from './redis/index.js';

/** What a newcomer reads first: that this is a demo, and three lines that work when pasted. */
export function demoAnnouncement(origin: string, purposes: readonly PurposeStatus[]): string {
  const real = purposes.filter(({ engine }) => engine === 'redis');
  return [
    '',
    real.length === 0
      ? '  Bulkhead is running as a DEMO: embedded engines, no Redis, no SQL. Nothing is kept when it stops.'
      : `  Bulkhead is running as a DEMO, on real servers for ${real.map(({ purpose }) => purpose).join(', ')}.`,
    '',
    `  Look:   ${origin}/docs`,
    '  Try:',
    `    curl -s ${origin}/readyz`,
    `    curl -s ${origin}/v1/isolation`,
    `    curl -si ${origin}/v1/isolation | grep -i ratelimit`,
    '',
    '',
  ].join('\n');
}
