import type { DemoAccount } from './app.demo-accounts.js';
import type { PurposeStatus } from './redis/index.js';

export interface Demo {
  readonly origin: string;
  readonly purposes: readonly PurposeStatus[];
  readonly account?: DemoAccount;
  readonly administrator?: DemoAccount | undefined;
  /** What is sent is kept in the process, to be looked at. */
  readonly keepsMails: boolean;
  /** `billing send` knows the secret of its webhook. */
  readonly sendable: boolean;
}

/** What a newcomer reads first: that this is a demo, and lines that work when pasted. */
export function demoAnnouncement({
  origin,
  purposes,
  account,
  administrator,
  keepsMails,
  sendable,
}: Demo): string {
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
    `    curl -s -o /dev/null -D - ${origin}/v1/isolation | grep -i ratelimit`,
    ...(keepsMails
      ? [
          '',
          '  Mails that would be sent; their links lead to small pages here:',
          `    curl -s ${origin}/dev/outbox`,
        ]
      : []),
    ...(account?.password === undefined ? [] : streamLines(origin, account.email, account.password)),
    ...(administrator?.password === undefined
      ? []
      : ['', `  Administrator of this demo: ${administrator.email} with ${administrator.password}`]),
    ...(sendable ? sendLines(origin) : []),
    '',
    '',
  ].join('\n');
}

function sendLines(origin: string): string[] {
  const url = new URL(origin).port === '3000' ? '' : ` --url ${origin}`;
  return [
    '',
    '  One more event, from another terminal in this folder:',
    `    npm run cli -- billing send --type invoice.paid --tenant acme${url}`,
  ];
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
