import type { DemoAccount } from './app.demo-feed.js';
import type { PurposeStatus } from './redis/index.js';

/** What a newcomer reads first: that this is a demo, and lines that work when pasted. */
export function demoAnnouncement(
  origin: string,
  purposes: readonly PurposeStatus[],
  account?: DemoAccount,
): string {
  const real = purposes.filter(({ engine }) => engine === 'redis');
  return [
    '',
    real.length === 0
      ? '  Bulkhead is running as a DEMO: embedded engines, no Redis, no SQL. Nothing is kept when it stops.'
      : `  Bulkhead is running as a DEMO, on real servers for ${real.map(({ purpose }) => purpose).join(', ')}.`,
    '',
    `  Look:   ${origin}/console and ${origin}/docs`,
    '  Try:',
    `    curl -s ${origin}/readyz`,
    `    curl -s ${origin}/v1/isolation`,
    `    curl -si ${origin}/v1/isolation | grep -i ratelimit`,
    ...(account?.password === undefined ? [] : streamLines(origin, account.email, account.password)),
    '',
    '',
  ].join('\n');
}

/** The account lives as long as the demo, so its password is no secret. */
function streamLines(origin: string, email: string, password: string): string[] {
  const body = JSON.stringify({ email, password });
  return [
    '',
    `  Sign in as ${email} with ${password}; billing events come in every second:`,
    `    TOKEN=$(curl -s ${origin}/v1/auth/token -H 'content-type: application/json' \\`,
    `      -d '${body}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
    `    curl -N ${origin}/v1/billing/stream -H "authorization: Bearer $TOKEN"`,
  ];
}
