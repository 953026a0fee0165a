import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Between two looks at connections that have become idle while the application closes, milliseconds. */
const LOOK_MS = 100;

/**
 * Ends connections that nobody uses while the application closes, so that it waits for answers and for nothing else. Node
 * ends those that are idle at that moment. It waits for those over which nothing was ever asked, which browsers and balancers
 * open in advance, and for those that become idle afterwards, when their last answer was sent.
 */
export function endUnusedConnections(instance: FastifyInstance): void {
  const { server } = instance;
  const silent = new Set<Socket>();
  let closing = false;
  const forget = function (this: Socket): void {
    silent.delete(this);
  };
  server.on('connection', (socket: Socket) => {
    // It was waiting to be accepted when the listening ended.
    if (closing) return void socket.destroy();
    silent.add(socket);
    socket.on('close', forget);
  });
  server.on('request', ({ socket }) => {
    if (silent.delete(socket)) socket.off('close', forget);
  });
  instance.addHook('preClose', (done) => {
    closing = true;
    // Where a part of a request has come the rest is waited for, as long as the shutdown waits for anything.
    for (const socket of silent) if (socket.bytesRead === 0) socket.destroy();
    const looks = setInterval(() => server.closeIdleConnections(), LOOK_MS);
    server.once('close', () => clearInterval(looks));
    done();
  });
}
