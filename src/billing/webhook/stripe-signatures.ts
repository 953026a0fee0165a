import { Inject, Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import { keysOf } from '../../kernel/key-ring.js';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import { StripeWebhookSettings } from './webhook.config.js';
import { SignatureRefusedError } from './webhook.errors.js';

/** Tells the library not to look at the time: it looks at the age only, and not at what comes from the future. */
const NO_TOLERANCE = 0;

/**
 * Whether Stripe signed a body: with any of the secrets, and not long ago. The library compares the signatures; the time
 * is judged here, because the library lets pass what comes from the future and what has a time that is no number.
 */
@Injectable()
export class StripeSignatures {
  private readonly secrets: readonly string[];
  private readonly toleranceS: number;
  private readonly signature = signatureOf();

  constructor(
    { secrets, toleranceS }: StripeWebhookSettings,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.secrets = keysOf(secrets);
    this.toleranceS = toleranceS;
  }

  /**
   * @param text the body as it came
   * @param header value of Stripe-Signature
   * @returns place of the secret that made the signature, from 1
   * @throws SignatureRefusedError
   */
  verify(text: string, header: string | undefined): number {
    if (header === undefined || header === '') throw new SignatureRefusedError('missing');
    const signed = readHeader(header);
    this.judgeTime(signed.timestampS);
    // Each secret is tried on the text alone; it is parsed once, by the caller, when one of them fits.
    const place = this.secrets.findIndex((secret) => this.isMadeWith(secret, text, signed.header));
    if (place < 0) throw new SignatureRefusedError('forged');
    return place + 1;
  }

  private judgeTime(timestampS: number): void {
    if (this.toleranceS === 0) return;
    const ageS = Math.floor(this.clock.nowMs() / 1000) - timestampS;
    if (ageS > this.toleranceS) throw new SignatureRefusedError('old');
    if (-ageS > this.toleranceS) throw new SignatureRefusedError('future');
  }

  private isMadeWith(secret: string, text: string, header: string): boolean {
    try {
      return this.signature.verifyHeader(text, header, secret, NO_TOLERANCE);
    } catch (error) {
      // An empty body is one of these, too.
      if (error instanceof Stripe.errors.StripeSignatureVerificationError) return false;
      throw error;
    }
  }
}

function signatureOf() {
  const { signature } = Stripe.webhooks;
  if (!signature) throw new Error('The stripe package has no signature verification');
  return signature;
}

interface SignedAt {
  /** Seconds since the epoch. */
  readonly timestampS: number;
  /** What the library is given: the time, and those signatures that may be one. */
  readonly header: string;
}

/** What Stripe sends nearly always: one secret, and nothing beside it. It is given on as it is. */
const PLAIN_HEADER = /^t=(\d{1,12}),v1=[0-9a-f]{64}$/;
const SIGNATURE = /^v1=[0-9a-f]{64}$/;

/**
 * The library would take the last of several times, `parseInt` of any text, and fails with a fault of its own where a
 * signature is empty or has other letters than hexadecimal ones.
 *
 * @throws SignatureRefusedError
 */
function readHeader(header: string): SignedAt {
  const plain = PLAIN_HEADER.exec(header)?.[1];
  if (plain !== undefined) return { timestampS: Number(plain), header };
  const parts = header.split(',');
  const times = parts.filter((part) => part.startsWith('t='));
  const digits = /^t=(\d{1,12})$/.exec(times[0] ?? '')?.[1];
  const signatures = parts.filter((part) => SIGNATURE.test(part));
  if (digits === undefined || times.length !== 1 || signatures.length === 0)
    throw new SignatureRefusedError('malformed');
  return { timestampS: Number(digits), header: `t=${digits},${signatures.join()}` };
}
