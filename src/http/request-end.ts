import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** What is to be done when an answer has ended; until then only. */
const runsOf = new WeakMap<ServerResponse, readonly (() => void)[]>();
/** Answers that waited behind another one of their connection when they were first asked about. */
const waitingOn = new WeakMap<Socket, Set<ServerResponse>>();

/**
 * Calls `run` once, when the answer has been sent or nobody will read it any more. A response that waits behind another
 * one on its connection (pipelining) never says that it was closed, so the connection is listened to as well. One listener
 * each, however many are to be called, and no more kept than that: a stream that is open for hours keeps it all that time.
 */
export function onRequestEnd(request: FastifyRequest, reply: FastifyReply, run: () => void): void {
  const { socket } = request.raw;
  const response = reply.raw;
  // Both have said so already.
  if (socket.closed || response.closed) return run();
  const runs = runsOf.get(response);
  // A list that is appended to keeps room for sixteen more.
  runsOf.set(response, runs ? runs.concat(run) : [run]);
  if (runs) return;
  response.on('close', ended);
  if (!response.socket) (waitingOn.get(socket) ?? watch(socket)).add(response);
}

/** Whether nobody will read the answer any more. */
export function hasEnded(request: FastifyRequest, reply: FastifyReply): boolean {
  return reply.raw.destroyed || reply.raw.closed || request.raw.socket.destroyed;
}

function watch(socket: Socket): Set<ServerResponse> {
  const waiting = new Set<ServerResponse>();
  waitingOn.set(socket, waiting);
  socket.once('close', () => {
    for (const response of waiting) ended.call(response);
  });
  return waiting;
}

/** Shared by all answers, so that none has a listener of its own. */
function ended(this: ServerResponse): void {
  const runs = runsOf.get(this) ?? [];
  runsOf.delete(this);
  waitingOn.get(this.req.socket)?.delete(this);
  for (const run of runs) run();
}
