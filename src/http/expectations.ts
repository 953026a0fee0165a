import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../kernel/errors.js';
import { refuseAddress } from './router-refusals.js';

/** 417: `Expect` asks for something else than 100-continue (RFC 9110 §10.1.1). */
class ExpectationFailedError extends AppError {
  readonly code = 'EXPECTATION_FAILED';
  readonly status = 417;
  readonly slug = 'expectation-failed';
  readonly title = 'Expectation Failed';

  constructor() {
    super('The Expect header may say 100-continue and nothing else. Leave it out, or say that.');
  }
}

/**
 * Answers requests that expect what nobody here knows. Left to itself, Node answers them with a bare 417 that no log has and
 * no limit counts. So they go where requests go whose address the router refuses: to an address at which nothing answers.
 */
export function refuseExpectations({ server }: Pick<FastifyInstance, 'server'>): void {
  server.on('checkExpectation', (raw: IncomingMessage, response: ServerResponse) => {
    refuseAddress(raw, new ExpectationFailedError());
    // Whoever expects something waits with its body: without a type, nobody waits for that.
    delete raw.headers['content-type'];
    server.emit('request', raw, response);
  });
}
