import { once } from 'node:events';
import { connect } from 'node:net';
import type { LoggerService, Type } from '@nestjs/common';
import { Module } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from '../../../src/app.module.js';
import { createHttpApp } from '../../../src/app.setup.js';
import type { Environment } from '../../../src/config/index.js';
import type { RateLimitModuleOptions } from '../../../src/rate-limit/index.js';
import { RateLimitModule } from '../../../src/rate-limit/index.js';
import { NO_FEATURES } from '../../support/no-features.js';

const HOUR_MS = 3_600_000;

/** So slow that nothing comes back while a test runs. */
export const perHour = <const Per extends string>(per: Per, quota: number) =>
  ({ per, quota, windowMs: HOUR_MS, burst: quota }) as const;

export interface Door {
  readonly app: NestFastifyApplication;
  readonly origin: string;
  readonly port: number;
  /** The fields of the lines that the request log wrote. */
  readonly requests: Record<string, unknown>[];
}

export interface DoorOptions {
  readonly env: Environment;
  readonly controllers?: Type[];
  readonly rateLimit?: RateLimitModuleOptions;
}

/** The whole application, listening on a socket of its own, on which clients are whoever they say. */
export async function openDoor({ env, controllers = [], rateLimit = {} }: DoorOptions): Promise<Door> {
  @Module({ imports: [RateLimitModule], controllers })
  class Feature {}

  const requests: Record<string, unknown>[] = [];
  const app = await createHttpApp(
    AppModule.register({
      ...NO_FEATURES,
      env: { APP_PROFILE: 'test', HOST: '127.0.0.1', ...env },
      imports: [{ module: Feature }],
      rateLimit,
    }),
    { logger: noting(requests) },
  );
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as { port: number };
  return { app, origin: `http://127.0.0.1:${port}`, port, requests };
}

function noting(requests: Record<string, unknown>[]): LoggerService {
  const silent = (): void => undefined;
  const log = (message: unknown, ...rest: unknown[]): void => {
    if (message === 'Request') requests.push(rest[0] as Record<string, unknown>);
  };
  return { log, debug: log, warn: silent, error: silent, verbose: silent };
}

/** Sends bytes as they are, which no client library would, and reads until the server closes. */
export async function sendRaw(port: number, text: string): Promise<{ head: string; body: string }> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (data: Buffer) => (answer += data.toString()));
  socket.write(text);
  await once(socket, 'close');
  const end = answer.indexOf('\r\n\r\n');
  return { head: answer.slice(0, end), body: answer.slice(end + 4) };
}
