import { Agent, request } from 'node:http';
import { SAMPLE_TYPES, sampleEvent } from '../../src/billing/webhook/samples/sample-events.js';
import { signDelivery } from '../../src/billing/webhook/samples/deliver.js';
import type { Running } from './running.js';

const PATH = '/v1/webhooks/stripe';

/** Posts signed events of the tenant to a contestant, as Stripe would. */
export class Deliverer {
  private readonly agent = new Agent({ keepAlive: true });
  private period = 0;

  constructor(private readonly to: Pick<Running, 'address' | 'webhookSecret'>) {}

  /** @returns milliseconds until the answer was there. @throws Error where it is no 200 */
  async post(): Promise<number> {
    const { tenantId } = this.to.address;
    this.period += 1;
    const nowS = Math.floor(Date.now() / 1000);
    const type = SAMPLE_TYPES[this.period % SAMPLE_TYPES.length] ?? 'invoice.paid';
    const event = sampleEvent(
      type,
      { customerId: 'cus_bench', tenantId },
      { createdS: nowS, period: this.period },
    );
    const { body, headers } = signDelivery(event, this.to.webhookSecret, nowS);
    const startMs = performance.now();
    const status = await this.send(body, headers);
    if (status !== 200) throw new Error(`The webhook answered ${status}`);
    return performance.now() - startMs;
  }

  close(): void {
    this.agent.destroy();
  }

  private send(body: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> {
    const { port } = this.to.address;
    return new Promise((resolve, reject) => {
      const options = { port, path: PATH, method: 'POST', agent: this.agent, headers };
      request({ host: '127.0.0.1', ...options }, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode));
      })
        .once('error', reject)
        .end(body);
    });
  }
}
