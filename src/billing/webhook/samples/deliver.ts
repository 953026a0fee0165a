import Stripe from 'stripe';

const LONGEST_MS = 10_000;

/** What the webhook said to a delivery. */
export interface DeliveryAnswer {
  readonly status: number;
  /** As JSON; undefined where it is none. */
  readonly body: unknown;
}

export interface SignedDelivery {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** An event as Stripe would deliver it. @param timestampS when it is signed, seconds since the epoch */
export function signDelivery(event: unknown, secret: string, timestampS: number): SignedDelivery {
  const body = JSON.stringify(event);
  const signature = Stripe.webhooks.generateTestHeaderString({
    payload: body,
    secret,
    timestamp: timestampS,
  });
  return { body, headers: { 'content-type': 'application/json', 'stripe-signature': signature } };
}

/**
 * Posts a delivery to a webhook.
 *
 * @throws TypeError, or a DOMException named TimeoutError, where nobody answers within ten seconds
 */
export async function deliver(webhook: string, { body, headers }: SignedDelivery): Promise<DeliveryAnswer> {
  const response = await fetch(webhook, {
    method: 'POST',
    headers,
    body,
    // A signed event is for whoever was named, and for nobody that they name.
    redirect: 'manual',
    signal: AbortSignal.timeout(LONGEST_MS),
  });
  return { status: response.status, body: parsed(await response.text()) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
