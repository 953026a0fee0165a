import { type ServerResponse, createServer as createHttpServer } from 'node:http';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { type Address, type Contestant, eventText } from './contestant.js';
import { followLog } from './log-follower.js';

const STREAM_HEADERS = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' };
const RAW_HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n';

/** What can be had from Node without anything around it. None knows who asks, and none resumes. */
export const BARE_SERVERS = {
  rawsock: { title: 'raw sockets, one Buffer per batch', open: ({ billingUrl }) => openRaw(billingUrl) },
  'bare-batch': {
    title: 'node:http, one Buffer per batch',
    open: ({ billingUrl }) =>
      openHttp(billingUrl, (texts, streams) => {
        const batch = Buffer.from(texts.join(''));
        for (const stream of streams) stream.write(batch);
      }),
  },
  'bare-event': {
    title: 'node:http, write per event',
    open: ({ billingUrl }) =>
      openHttp(billingUrl, (texts, streams) => {
        for (const text of texts) for (const stream of streams) stream.write(text);
      }),
  },
} as const satisfies Record<string, Contestant>;

async function openRaw(url: string): Promise<Address> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(RAW_HEAD);
      sockets.add(socket);
    });
    socket.once('close', () => sockets.delete(socket));
  });
  await followLog(url, (entries) => {
    const batch = Buffer.from(entries.map(eventText).join(''));
    for (const socket of sockets) socket.write(batch);
  });
  return { port: await listen(server), path: '/stream', tokens: [] };
}

async function openHttp(
  url: string,
  send: (texts: readonly string[], streams: ReadonlySet<ServerResponse>) => void,
): Promise<Address> {
  const streams = new Set<ServerResponse>();
  const server = createHttpServer((_request, response) => {
    response.writeHead(200, STREAM_HEADERS);
    response.flushHeaders();
    streams.add(response);
    response.once('close', () => streams.delete(response));
  });
  await followLog(url, (entries) => send(entries.map(eventText), streams));
  return { port: await listen(server), path: '/stream', tokens: [] };
}

export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
