/** The API of Stripe, in a process of its own. */
import { FakeStripe, fakeEvents } from '../../test/support/fake-stripe.js';
import { serve } from '../helper.js';

export interface FakeStripeOrder {
  readonly events: number;
  /** `created` of the first, seconds since the epoch. */
  readonly startS: number;
  readonly customers: number;
}

let fake: FakeStripe | undefined;

/** Starts it. @returns where it is */
serve<FakeStripeOrder>(async ({ events, startS, customers }) => {
  fake ??= await FakeStripe.start();
  fake.add(fakeEvents({ count: events, startS, perSecond: 10, customers }));
  return fake.base;
});
