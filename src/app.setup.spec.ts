import 'reflect-metadata';
import { Controller, type DynamicModule, Get } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpApp } from './app.setup.js';
import { ConfigModule, type Environment } from './config/index.js';
import { HttpModule } from './http/index.js';
import { TelemetryModule } from './telemetry/index.js';

@Controller()
class SomeController {
  @Get('livez')
  livez() {
    return { status: 'ok' };
  }

  @Get('things')
  things() {
    return [];
  }
}

class Root {}

async function rootModule(env: Environment): Promise<DynamicModule> {
  const root = { module: Root, imports: [TelemetryModule, HttpModule], controllers: [SomeController] };
  return { ...root, imports: [await ConfigModule.forRoot(root, env), ...root.imports] };
}

let app: NestFastifyApplication | undefined;
afterEach(() => app?.close());

async function start(env: Environment) {
  app = await createHttpApp(rootModule(env), { logger: false });
  await app.init();
  return async (url: string) => (await app?.inject({ url }))?.statusCode;
}

describe('createHttpApp', () => {
  it('serves the API below /v1 and probes beside it', async () => {
    const status = await start({ APP_PROFILE: 'test' });
    expect(await status('/v1/things')).toBe(200);
    expect(await status('/things')).toBe(404);
    expect(await status('/livez')).toBe(200);
    expect(await status('/v1/livez')).toBe(404);
  });

  it('shows the API description in development and nowhere else', async () => {
    const development = await start({ APP_PROFILE: 'development' });
    expect(await development('/docs-json')).toBe(200);
    expect(await development('/docs')).toBe(200);
    await app?.close();
    const test = await start({ APP_PROFILE: 'test' });
    expect(await test('/docs-json')).toBe(404);
  });

  it('takes its limits from the settings', async () => {
    await start({ APP_PROFILE: 'test', BODY_LIMIT_BYTES: '2048' });
    const headers = { 'content-type': 'application/json' };
    const payload = JSON.stringify({ text: 'a'.repeat(3000) });
    const answer = await app?.inject({ url: '/v1/nothing', method: 'POST', headers, payload });
    expect(answer?.statusCode).toBe(413);
  });

  it('throws instead of ending the process', async () => {
    await expect(createHttpApp(rootModule({ PORT: 'none' }))).rejects.toThrow('1 configuration fault');
  });
});
