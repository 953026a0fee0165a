import type { FastifyRequest } from 'fastify';
import type { Dimension } from '../policies/policy.js';

/** How a request tells one dimension. */
export interface Extractor {
  /** `arrival`: the head of the request says it. `identity`: only who authenticated the request knows it. */
  readonly known: 'arrival' | 'identity';
  /** Undefined: nobody, so that limits of this dimension do not apply to the request. Must not throw. */
  readonly of: (request: FastifyRequest) => string | undefined;
}

export type ExtractorTable = { readonly [D in Dimension]?: Extractor };

/** Identities that nobody tells yet: limits that count them apply to nobody. */
export const NOBODY: Extractor = { known: 'arrival', of: () => undefined };

/** What is known without a feature's help; a feature's own extractors win. */
export const EXTRACTORS = {
  // Fastify's address, so which forwarded header counts is decided in one place, by TRUST_PROXY.
  ip: { known: 'arrival', of: ({ ip }) => ip },
  network: { known: 'arrival', of: ({ ip }) => ip },
  global: { known: 'arrival', of: () => 'all' },
  // Not proven at arrival: whoever makes keys up has a limit per key, and still the one of his address.
  apiKey: { known: 'arrival', of: ({ headers }) => oneOf(headers['x-api-key']) },
  // The application names those that authentication tells: src/access/access-extractors.ts.
  user: NOBODY,
  account: NOBODY,
  tenant: NOBODY,
} as const satisfies ExtractorTable;

function oneOf(header: string | string[] | undefined): string | undefined {
  const text = typeof header === 'object' ? header.join() : header;
  return text === '' ? undefined : text;
}
