import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest, preParsingHookHandler } from 'fastify';
import { problemOf } from './problem.js';
import { sendProblem } from './send-problem.js';

/** An address that is not served, and why. */
interface Refusal {
  readonly error: Error;
  readonly url: string;
}

/** The router takes it and finds nothing there; no client can ask for it, since no HTTP parser lets the character pass. */
const NOWHERE = '/\u0000';
/** Routes that answer whatever no other one answers, and so this address as well. */
const CATCHES_ALL = /^\/?[:*]/;
const refusals = new WeakMap<IncomingMessage, Refusal>();

/**
 * A malformed address (400) or an endless part of one (414) ends in the router, before any hook: such requests would have
 * no line in the log, and nothing would count them. So they go through it once more, to an address at which nothing
 * answers, and are told the router's error in the end.
 */
export function answerRouterError(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const { raw, server, id } = request;
  if (refusals.has(raw)) {
    // The router has refused the other address, too. It must not go round for ever.
    reply.header('x-request-id', id);
    sendProblem(reply, problemOf(error, { requestId: id, url: urlAsked(request) }));
    return;
  }
  refuseAddress(raw, error);
  server.routing(raw, reply.raw);
}

/** Has a request go to an address at which nothing answers, where it is logged, counted and told the error; once. */
export function refuseAddress(raw: IncomingMessage, error: Error): void {
  refusals.set(raw, { error, url: raw.url ?? '' });
  raw.url = NOWHERE;
}

/** Keeps routes that catch everything from serving what the router refused. Must run before the routes are registered. */
export function keepRefusals(instance: FastifyInstance): void {
  instance.addHook('onRoute', (route) => {
    // Of these routes alone, so that no other one pays for it; before parsing, so that what is refused has been counted.
    if (CATCHES_ALL.test(route.url)) route.preParsing = [route.preParsing ?? [], refuse].flat();
  });
}

const refuse: preParsingHookHandler = (request, reply, payload, done) => {
  const error = routerErrorOf(request);
  if (error) sendProblem(reply, problemOf(error, { requestId: request.id, url: urlAsked(request) }));
  else done(null, payload);
};

/** What there is against the request, if anything, whatever is at its address. */
export function routerErrorOf({ url, raw }: FastifyRequest): Error | undefined {
  return url === NOWHERE ? refusals.get(raw)?.error : undefined;
}

/** The address as the client sent it. */
export function urlAsked({ url, raw }: FastifyRequest): string {
  return url === NOWHERE ? (refusals.get(raw)?.url ?? url) : url;
}
