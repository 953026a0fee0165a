import { createServer } from 'node:http';
import { Controller, type MessageEvent, Module, Sse } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createChannel, createSession } from 'better-sse';
import { type Observable, Subject } from 'rxjs';
import type { LogEntry } from '../../src/billing/log/log-entry.js';
import { listen } from './bare-servers.js';
import type { Address, Contestant } from './contestant.js';
import { followLog } from './log-follower.js';

/** What others would take, as their manuals show it. */
export const LIBRARY_SERVERS = {
  'nest-sse': { title: "Nest's @Sse on Fastify", open: ({ billingUrl }) => openNest(billingUrl) },
  'better-sse': { title: 'better-sse, one channel', open: ({ billingUrl }) => openBetterSse(billingUrl) },
} as const satisfies Record<string, Contestant>;

const live = new Subject<MessageEvent>();

@Controller()
class StreamController {
  @Sse('stream')
  stream(): Observable<MessageEvent> {
    return live;
  }
}

@Module({ controllers: [StreamController] })
class StreamModule {}

async function openNest(url: string): Promise<Address> {
  const app = await NestFactory.create<NestFastifyApplication>(StreamModule, new FastifyAdapter(), {
    logger: false,
  });
  await app.listen(0, '127.0.0.1');
  await followLog(url, (entries) => {
    // A text is sent as it is; anything else would be serialized once for each client.
    for (const entry of entries) live.next({ id: idOf(entry), type: entry.type, data: entry.data });
  });
  return { port: Number(new URL(await app.getUrl()).port), path: '/stream', tokens: [] };
}

async function openBetterSse(url: string): Promise<Address> {
  const channel = createChannel();
  // The data are JSON already.
  const serializer = (data: unknown) => data as string;
  const server = createServer((request, response) => {
    createSession(request, response, { serializer }).then(
      (session) => channel.register(session),
      () => response.destroy(),
    );
  });
  await followLog(url, (entries) => {
    for (const entry of entries) channel.broadcast(entry.data, entry.type, { eventId: idOf(entry) });
  });
  return { port: await listen(server), path: '/stream', tokens: [] };
}

function idOf({ id, tenantSequence }: LogEntry): string {
  return `${id}.${tenantSequence}`;
}
