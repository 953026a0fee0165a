import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** One listener per connection, however many requests wait on it. */
const waiting = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls `run` once, when the answer has been sent or nobody will read it any more. A response that waits behind another
 * one on its connection (pipelining) never says that it was closed, so the connection is listened to as well.
 */
export function onRequestEnd(request: FastifyRequest, reply: FastifyReply, run: () => void): void {
  const { socket } = request.raw;
  // Both have said so already.
  if (socket.closed || reply.raw.closed) return run();
  const others = waiting.get(socket) ?? watch(socket);
  const end = (): void => {
    if (!others.delete(end)) return;
    reply.raw.off('close', end);
    run();
  };
  others.add(end);
  reply.raw.once('close', end);
}

/** Whether nobody will read the answer any more. */
export function hasEnded(request: FastifyRequest, reply: FastifyReply): boolean {
  return reply.raw.destroyed || reply.raw.closed || request.raw.socket.destroyed;
}

function watch(socket: Socket): Set<() => void> {
  const ends = new Set<() => void>();
  waiting.set(socket, ends);
  socket.once('close', () => {
    for (const end of ends) end();
  });
  return ends;
}
