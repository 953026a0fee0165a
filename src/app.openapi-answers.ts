import { readFileSync } from 'node:fs';
import type { OpenAPIObject } from '@nestjs/swagger';

type Schema = Record<string, unknown>;
type Content = Readonly<Record<string, { readonly schema: Schema }>>;

/** What each handler returns, by the id of its operation: made of the sources by `npm run docs:generate`. */
const RETURNED = JSON.parse(
  readFileSync(new URL('./app.openapi-answers.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, Schema>>;

const TEXT: Schema = { type: 'string' };

/** Of handlers that write their answer themselves, or whose answer is no JSON. */
const WRITTEN: Readonly<Record<string, Content>> = {
  JwksController_jwks: {
    'application/jwk-set+json': {
      schema: {
        type: 'object',
        description: 'JSON Web Key Set (RFC 7517).',
        properties: { keys: { type: 'array', items: { type: 'object' } } },
        required: ['keys'],
      },
    },
  },
  MetricsController_scrape: { 'text/plain': { schema: TEXT } },
  StreamController_stream: { 'text/event-stream': { schema: TEXT } },
  StripeWebhookController_receive: {
    'application/json': {
      schema: {
        type: 'object',
        properties: {
          received: { type: 'boolean' },
          duplicate: { type: 'boolean' },
          unassigned: { type: 'boolean', description: 'The customer has no tenant yet.' },
        },
        required: ['received', 'duplicate'],
      },
    },
  },
};

/** These tell the same when they fail: what fails is the answer. */
const SAID_WITH_503: readonly string[] = ['HealthController_readyz', 'HealthController_readyzOf'];

/** Says of every operation what its good answer holds. */
export function describeAnswers(document: OpenAPIObject): void {
  for (const item of Object.values(document.paths)) {
    for (const operation of [item.get, item.post, item.put, item.patch, item.delete]) {
      const id = operation?.operationId ?? '';
      const content = contentOf(id);
      if (!operation || !content) continue;
      const good = Object.entries(operation.responses).filter(([status]) => status.startsWith('2'));
      for (const [, answer] of good) Object.assign(answer ?? {}, { content });
      if (SAID_WITH_503.includes(id))
        operation.responses['503'] = { description: 'Not ready, and why.', content };
    }
  }
}

function contentOf(id: string): Content | undefined {
  const schema = RETURNED[id];
  return WRITTEN[id] ?? (schema && { 'application/json': { schema } });
}
