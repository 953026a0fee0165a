// @ts-check
/**
 * An instance in a process of its own that opens and closes streams as it is told, for holder.ts. It runs the built
 * modules, as a deployment does.
 */
import 'reflect-metadata';
import { pathToFileURL } from 'node:url';
import { NestFactory } from '@nestjs/core';

const [, , built = '', quotas = '{}', skewMs = '0'] = process.argv;
/** @type {(folder: string) => Promise<any>} */
const door = (folder) => import(pathToFileURL(`${built}/${folder}/index.js`).href);

if (skewMs !== '0') {
  const now = Date.now.bind(Date);
  Date.now = () => now() + Number(skewMs);
}

const { ConfigModule } = await door('config');
const { TelemetryModule } = await door('telemetry');
const { RedisModule } = await door('redis');
const { RateLimitModule, StreamQuotas } = await door('rate-limit');

class Root {}
const imports = [
  TelemetryModule,
  RedisModule.forRoot(),
  RateLimitModule.forRoot({ streamQuotas: JSON.parse(quotas) }),
];
const root = { module: Root, imports };
imports.push(await ConfigModule.forRoot(root, process.env));
const app = await NestFactory.createApplicationContext(root, { logger: false, abortOnError: false });
const streams = app.get(StreamQuotas, { strict: false });

/** @type {Map<string, { close(): void }>} */
const held = new Map();

/** @type {(name: string, subjects: object) => Promise<object>} */
async function open(name, subjects) {
  const { allowed, lease, decision } = await streams.open(name, subjects);
  if (lease) held.set(lease.id, lease);
  return { allowed, id: lease?.id, backend: decision.backend, degraded: decision.degraded };
}

/** @type {(ids: string[]) => void} */
function close(ids) {
  for (const id of ids) {
    held.get(id)?.close();
    held.delete(id);
  }
}

/** Opens and closes at random and at once, as clients whose connections flap. @type {(name: string, user: string) => Promise<void>} */
async function flap(name, user) {
  for (let n = 0; n < 20; n += 1) {
    const { lease } = await streams.open(name, { user });
    if (lease && n % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    lease?.close();
    lease?.close();
  }
}

/** @type {Record<string, (message: any) => Promise<unknown>>} */
const orders = {
  open: ({ name, subjects, count }) => Promise.all(Array.from({ length: count }, () => open(name, subjects))),
  close: ({ ids }) => Promise.resolve(close(ids ?? [...held.keys()])),
  storm: ({ name, users }) =>
    Promise.all(Array.from({ length: users * 5 }, (_, n) => flap(name, `user-${n % users}`))),
  stop: async () => {
    await app.close();
    setImmediate(() => process.disconnect?.());
  },
};

process.on('message', (/** @type {any} */ message) => {
  void orders[message.order]?.(message).then((result) =>
    process.send?.({ number: message.number, result: result ?? null }),
  );
});
process.send?.({ number: 0, result: 'ready' });
