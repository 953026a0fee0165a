import { randomBytes } from 'node:crypto';
import type { Environment } from '../../src/config/index.js';
import { type PostgresServer, startPostgres } from '../../test/support/postgres-server.js';
import { type RedisServer, startRedisServer } from '../../test/support/redis-server.js';
import { Helper } from '../helper.js';
import type { AppOrder } from './app-process.js';

export interface Instance {
  readonly helper: Helper<AppOrder>;
  readonly origin: string;
}

/** Real servers, and instances of the application that know the same secrets. Settings are those of the product. */
export class BenchHouse {
  readonly instances: Instance[] = [];

  private constructor(
    readonly redis: RedisServer,
    private readonly postgres: PostgresServer,
    private readonly env: Environment,
  ) {}

  static async open(env: Environment = {}): Promise<BenchHouse> {
    const [redis, postgres] = await Promise.all([startRedisServer(), startPostgres()]);
    return new BenchHouse(redis, postgres, {
      APP_PROFILE: 'test',
      HOST: '127.0.0.1',
      LOG_LEVEL: 'info',
      LOG_FORMAT: 'json',
      APP_PUBLIC_URL: 'https://app.example.com',
      OPS_TOKEN: randomBytes(24).toString('base64url'),
      // Every request comes from where it says.
      TRUST_PROXY: 'loopback',
      REDIS_URL: redis.url(),
      DATABASE_URL: postgres.url(),
      REDIS_START_DEADLINE_MS: '20s',
      DATABASE_START_DEADLINE_MS: '30s',
      ...env,
    });
  }

  async start(): Promise<Instance> {
    // Writes its log, as in production; nobody reads it.
    const helper = Helper.start<AppOrder>(new URL('./app-process.js', import.meta.url), { quiet: true });
    const port = await helper.tell({ do: 'open', env: this.env });
    const instance = { helper, origin: `http://127.0.0.1:${String(port)}` };
    this.instances.push(instance);
    return instance;
  }

  async close(): Promise<void> {
    await Promise.all(this.instances.map(({ helper }) => helper.stop()));
    await Promise.all([this.redis.stop(), this.postgres.stop()]);
  }
}

let addresses = 0;

/** An address in a network of its own: nobody meets the limits of another one. */
export function anyAddress(): string {
  addresses += 1;
  return `${11 + ((addresses >> 16) % 80)}.${(addresses >> 8) & 255}.${addresses & 255}.7`;
}

export async function post(url: string, body: unknown): Promise<{ status: number; ms: number }> {
  const startMs = performance.now();
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': anyAddress() },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return { status: response.status, ms: performance.now() - startMs };
}
