import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { Secret } from '../../kernel/redact.js';
import { StripeSignatures } from './stripe-signatures.js';
import { StripeWebhookSettings } from './webhook.config.js';
import { SignatureRefusedError } from './webhook.errors.js';

const NOW_S = 1_700_000_000;
const BODY = '{"id":"evt_1"}';

function signatures(secrets = 'new-secret,old-secret', toleranceS = 300): StripeSignatures {
  const settings = Object.assign(new StripeWebhookSettings(), { secrets: new Secret(secrets), toleranceS });
  return new StripeSignatures(settings, new ManualClock(NOW_S * 1000 + 999));
}

/** As Stripe documents it, written without its package. */
function sign(secret: string, { time = String(NOW_S), body = BODY } = {}): string {
  return createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
}

function header(secret: string, time: number | string = NOW_S): string {
  return `t=${time},v1=${sign(secret, { time: String(time) })}`;
}

function faultOf(run: () => unknown): string {
  try {
    run();
    return 'none';
  } catch (error) {
    return error instanceof SignatureRefusedError ? error.fault : String(error);
  }
}

describe('A signature', () => {
  it('is accepted with any of the secrets, and says which', () => {
    expect(signatures().verify(BODY, header('new-secret'))).toBe(1);
    expect(signatures().verify(BODY, header('old-secret'))).toBe(2);
  });

  it('is accepted beside others, as Stripe sends them while a secret is rolled', () => {
    const [good, foreign] = [sign('old-secret'), sign('a-third')];
    expect(signatures().verify(BODY, `t=${NOW_S},v1=${foreign},v1=,v1=é,v1=${good},v0=${foreign}`)).toBe(2);
  });

  it('of a body with letters beyond ASCII is that of its bytes', () => {
    const body = '{"name":"Žofie 🙂"}';
    expect(signatures().verify(body, `t=${NOW_S},v1=${sign('new-secret', { body })}`)).toBe(1);
  });

  it.each([
    [-300, 'none'],
    [-301, 'old'],
    [300, 'none'],
    [301, 'future'],
    [86_400 * 365, 'future'],
  ])('that is %i seconds off is judged: %s', (offS, fault) => {
    expect(faultOf(() => signatures().verify(BODY, header('new-secret', NOW_S + offS)))).toBe(fault);
  });

  it('is of any age where no tolerance is asked for', () => {
    expect(signatures('s', 0).verify(BODY, header('s', 1))).toBe(1);
    expect(signatures('s', 0).verify(BODY, header('s', NOW_S * 2))).toBe(1);
  });

  const valid = sign('new-secret');
  it.each<[string, string | undefined, string]>([
    ['none', undefined, 'missing'],
    ['an empty one', '', 'missing'],
    ['no time', `v1=${valid}`, 'malformed'],
    ['no signature', `t=${NOW_S}`, 'malformed'],
    ['only an old scheme', `t=${NOW_S},v0=${valid}`, 'malformed'],
    ['two times', `t=${NOW_S},t=${NOW_S},v1=${valid}`, 'malformed'],
    ['no number as its time', header('new-secret', 'NaN'), 'malformed'],
    ['a number and more as its time', header('new-secret', `${NOW_S}x`), 'malformed'],
    ['a time below 0', header('new-secret', '-1'), 'malformed'],
    ['another secret', header('a-third'), 'forged'],
    ['a signature that is cut', `t=${NOW_S},v1=${valid.slice(1)}`, 'malformed'],
    ['an empty signature', `t=${NOW_S},v1=`, 'malformed'],
    ['the time of another signature', `t=${NOW_S + 1},v1=${valid}`, 'forged'],
    ['a signature of other letters', `t=${NOW_S},v1=${'é'.repeat(64)}`, 'malformed'],
    ['a time with a leading 0', header('new-secret', `0${NOW_S}`), 'forged'],
  ])('with %s is refused', (_what, given, fault) => {
    expect(faultOf(() => signatures().verify(BODY, given))).toBe(fault);
  });

  it('holds for one body only, and not for none', () => {
    expect(faultOf(() => signatures().verify(`${BODY} `, header('new-secret')))).toBe('forged');
    const ofNothing = `t=${NOW_S},v1=${sign('new-secret', { body: '' })}`;
    expect(faultOf(() => signatures().verify('', ofNothing))).toBe('forged');
  });
});
