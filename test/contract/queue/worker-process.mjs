// @ts-check
/**
 * A process that does what lies in a stream: prints the name of each entry once it has done it, and kills itself over an
 * entry called `killer`. Told `hang`, it begins with everything and ends nothing.
 *
 * Usage: node worker-process.mjs <folder of the build> <url of billingEvents> <leaseMs> done|hang
 */
import 'reflect-metadata';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';

const [, , dist = '', url = '', leaseMs = '', manner = ''] = process.argv;
/** @type {(path: string) => Promise<Record<string, any>>} */
const built = (path) => import(pathToFileURL(join(dist, path)).href);

const { RedisModule, RedisTestingModule, getRedisToken } = await built('redis/index.js');
const { QueueWorker, StreamGroup } = await built('queue/index.js');
const { CLOCK } = await built('telemetry/index.js');

const env = { BILLING_EVENTS_REDIS_URL: url, BILLING_EVENTS_REDIS_COMMAND_MS: '5s' };
const house = await RedisTestingModule.forFeatures([RedisModule.forPurpose('billingEvents')], { env });
const app = await NestFactory.createApplicationContext(house, { logger: false });
const clock = app.get(CLOCK, { strict: false });

const source = new StreamGroup({
  client: app.get(getRedisToken('billingEvents', 'bulk'), { strict: false }),
  key: 'billing:{q}:log',
  group: 'workers',
  deadLetters: 'billing:{q}:dlq',
  clock,
  leaseMs: Number(leaseMs),
  claimEveryMs: 50,
});
const worker = new QueueWorker({
  name: 'test',
  source,
  clock,
  pollMs: 20,
  atOnce: 16,
  performMs: Number(leaseMs) / 2,
  maxAttempts: 5,
  /** @type {(work: { fields: Buffer[] }) => Promise<void>} */
  perform: async ({ fields }) => {
    const name = String(fields[1]);
    if (manner === 'hang') {
      process.stdout.write(`${name}\n`);
      await new Promise(() => undefined);
    }
    if (name === 'killer') process.kill(process.pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 1));
    process.stdout.write(`${name}\n`);
  },
});
worker.start();
process.stdout.write('started\n');
setInterval(() => undefined, 1000);
