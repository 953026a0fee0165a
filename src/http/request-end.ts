import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The answers of one connection that have not ended, with what is to be done then. */
type UnderWay = Map<ServerResponse, (() => void)[]>;

const underWay = new WeakMap<Socket, UnderWay>();

/**
 * Calls `run` once, when the answer has been sent or nobody will read it any more. A response that waits behind another
 * one on its connection (pipelining) never says that it was closed, so the connection is listened to as well. One listener
 * each, however many are to be called: a stream that is open for hours keeps them all that time.
 */
export function onRequestEnd(request: FastifyRequest, reply: FastifyReply, run: () => void): void {
  const { socket } = request.raw;
  const response = reply.raw;
  // Both have said so already.
  if (socket.closed || response.closed) return run();
  const answers = underWay.get(socket) ?? watch(socket);
  const runs = answers.get(response);
  if (runs) {
    runs.push(run);
    return;
  }
  answers.set(response, [run]);
  response.once('close', () => end(answers, response));
}

/** Whether nobody will read the answer any more. */
export function hasEnded(request: FastifyRequest, reply: FastifyReply): boolean {
  return reply.raw.destroyed || reply.raw.closed || request.raw.socket.destroyed;
}

function watch(socket: Socket): UnderWay {
  const answers: UnderWay = new Map();
  underWay.set(socket, answers);
  socket.once('close', () => {
    for (const response of answers.keys()) end(answers, response);
  });
  return answers;
}

function end(answers: UnderWay, response: ServerResponse): void {
  const runs = answers.get(response) ?? [];
  answers.delete(response);
  for (const run of runs) run();
}
