import { describe, expect, it } from 'vitest';
import type { PurposeFinding } from '../redis/index.js';
import { checkDocument, checkText } from './check-report.js';

const status: PurposeFinding['status'] = {
  purpose: 'securityTokens',
  engine: 'redis',
  state: 'up',
  sinceMs: 0,
  isolation: 'database',
  sharedWith: ['authCache'],
  address: 'redis://db:6379/1',
  topology: 'standalone',
  primaries: ['db:6379'],
  source: 'REDIS_URL',
  user: 'app',
  db: 1,
  serverVersion: '7.0.15',
  outage: 'closed',
  namespace: 'st',
  lanes: [],
  proofs: [
    { fact: 'identity', verdict: 'proven', detail: 'user app' },
    { fact: 'eviction', verdict: 'unprovable', detail: 'the server does not show maxmemory-policy' },
  ],
};
const fine: PurposeFinding = { status, outcome: 'up', runId: 'abc', faults: [], warnings: [] };
const failed: PurposeFinding = {
  status: { ...status, state: 'down', isolation: 'unknown', sharedWith: [], proofs: [] },
  outcome: 'misconfigured',
  faults: [
    {
      variable: 'SECURITY_TOKEN_REDIS_PASSWORD',
      purpose: 'securityTokens',
      rule: 'redis://db:6379/1: the server refused the user or the password (auth)',
      remedy: 'Correct it',
    },
  ],
  warnings: [],
};
const report = (...findings: PurposeFinding[]) =>
  ({ profile: 'development', exitCode: 0, findings, inactive: ['rateLimit'] }) as const;

describe('checkText', () => {
  it('gives a purpose one line', () => {
    const line = checkText(report(fine)).split('\n')[1];
    expect(line?.split(/ {2,}/)).toEqual([
      'ok',
      'securityTokens',
      'redis://db:6379/1',
      'REDIS_URL',
      'app',
      '1',
      '7.0.15',
      'database, with authCache',
      '1 proven, unprovable: eviction',
    ]);
  });

  it('puts reason, cause and remedy under a purpose that failed', () => {
    expect(checkText(report(failed))).toContain(
      [
        '      reason: auth',
        '      cause:  the server refused the user or the password',
        '      remedy: SECURITY_TOKEN_REDIS_PASSWORD: Correct it',
        'off',
      ].join('\n'),
    );
  });

  it('says which warnings another profile would refuse', () => {
    const warning = { variable: 'REDIS_URL', rule: 'connects without TLS', remedy: 'Write rediss://' };
    const warnings = [
      { ...warning, forgiven: true },
      { ...warning, forgiven: false },
    ];
    expect(checkText(report({ ...fine, warnings }))).toContain(
      [
        '      warning: refused in staging and production: REDIS_URL: connects without TLS. Write rediss://.',
        '      warning: REDIS_URL: connects without TLS. Write rediss://.',
      ].join('\n'),
    );
  });

  it('masks credentials, should an address ever hold some', () => {
    const leak = { ...fine, status: { ...status, address: 'redis://app:hunter2@db:6379/1' } };
    expect(checkText(report(leak))).not.toContain('hunter2');
    expect(JSON.stringify(checkDocument(report(leak)))).not.toContain('hunter2');
  });
});

describe('checkDocument', () => {
  it('keeps what failed and why in fields of their own', () => {
    expect(checkDocument(report(failed))).toMatchObject({
      profile: 'development',
      inactive: ['rateLimit'],
      purposes: [
        {
          purpose: 'securityTokens',
          outcome: 'misconfigured',
          failures: [{ variable: 'SECURITY_TOKEN_REDIS_PASSWORD', reason: 'auth', remedy: 'Correct it' }],
        },
      ],
    });
  });
});
