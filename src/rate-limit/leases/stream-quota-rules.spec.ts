import { describe, expect, it } from 'vitest';
import { EXIT } from '../../kernel/errors.js';
import { compileQuotas } from './compiled-quota.js';
import type { StreamQuotaRow } from './stream-quota.js';
import { StreamQuotaError } from './stream-quota-rules.js';
import { STREAM_QUOTAS } from './stream-quotas.table.js';

const GOOD: StreamQuotaRow = { concurrent: [{ per: 'user', streams: 5 }], connects: 'stream-connect' };

function faultsOf(rows: Record<string, StreamQuotaRow>): readonly string[] {
  try {
    compileQuotas(rows, (name) => name === 'stream-connect');
    return [];
  } catch (error) {
    if (error instanceof StreamQuotaError) return error.faults;
    throw error;
  }
}

describe('the rules for stream quotas', () => {
  it('accept the quotas of the house', () => {
    expect(faultsOf(STREAM_QUOTAS)).toEqual([]);
  });

  it.each([
    [{ chat: { ...GOOD, concurrent: [] } }, /"chat": it needs one limit to 8/],
    [
      { chat: { ...GOOD, concurrent: [{ per: 'user' as const, streams: 0 }] } },
      /per user: streams 0 must be/,
    ],
    [{ chat: { ...GOOD, concurrent: [{ per: 'user' as const, streams: 1.5 }] } }, /streams 1.5 must be/],
    [{ chat: { ...GOOD, concurrent: [{ per: 'user' as const, streams: NaN }] } }, /streams NaN must be/],
    [{ chat: { ...GOOD, concurrent: [...GOOD.concurrent, ...GOOD.concurrent] } }, /count the same dimension/],
    [
      { chat: { ...GOOD, concurrent: [{ per: 'ip' as const, streams: 1, unless: 'ip' as const }] } },
      /per ip: it can never apply/,
    ],
    [
      { chat: { ...GOOD, connects: 'default' as const } },
      /connects: there is no rate-limit policy "default"/,
    ],
    [{ chat: { ...GOOD, leaseMs: 999 } }, /leaseMs 999 must be a whole number from 1000/],
    [{ chat: { ...GOOD, leaseMs: Infinity } }, /leaseMs Infinity must be/],
    [{ Chat: GOOD }, /"Chat": a name is up to 32 lower-case/],
    [{ ['c'.repeat(30)]: GOOD }, /"c{30}-user" is longer than 32/],
  ])('refuse %j', (rows, message) => {
    expect(faultsOf(rows).join('\n')).toMatch(message);
  });

  it('tell every fault of every quota at once, as settings that are wrong', () => {
    const error = new StreamQuotaError(
      faultsOf({ one: { ...GOOD, leaseMs: 0 }, two: { ...GOOD, concurrent: [{ per: 'ip', streams: -1 }] } }),
    );
    expect(error.faults).toHaveLength(2);
    expect(error.exitCode).toBe(EXIT.config);
    expect(error.report()).toMatch(
      /^Refusing to start: stream quotas\n {2}Stream quota "one".*\n {2}Stream quota "two"/,
    );
  });
});
