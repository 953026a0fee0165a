import { Redis, type RedisOptions } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { startEmbeddedEngine } from '../../../src/redis/embedded/embedded-engine.js';
import { describeReal } from '../../support/redis-availability.js';
import { startRedisServer } from '../../support/redis-server.js';

export type EngineName = 'embedded' | 'real';

/** Which engine this run proves; the vitest projects contract-embedded and contract-real set it. */
export const engineName: EngineName = process.env['ENGINE'] === 'real' ? 'real' : 'embedded';

/** What differs between the connections of a suite. */
export type ClientOptions = Pick<RedisOptions, 'db' | 'connectionName' | 'scripts'>;

export interface ContractEngine {
  readonly name: EngineName;
  readonly host: string;
  readonly port: number;
  /** A client of the suite, connected, its data empty before every case. */
  readonly redis: Redis;
  /** One more connection, closed after the suite. */
  connect(options?: ClientOptions): Promise<Redis>;
}

/** The options of the product's lanes, without their time-outs. */
export function clientOptions(host: string, port: number) {
  return {
    host,
    port,
    lazyConnect: true,
    protocol: 3,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableReadyCheck: false,
    disableClientInfo: true,
    retryStrategy: () => null,
  } as const satisfies RedisOptions;
}

/** A suite with a server of its own: the embedded engine, or a redis-server process. */
export function withEngine(title: string, suite: (engine: ContractEngine) => void): void {
  const describeEngine = engineName === 'real' ? describeReal : describe;
  describeEngine(`${title} (${engineName})`, () => {
    const engine = new RunningEngine();
    beforeAll(() => engine.start());
    beforeEach(() => engine.redis.flushall());
    afterAll(() => engine.stop());
    suite(engine);
  });
}

class RunningEngine implements ContractEngine {
  readonly name = engineName;
  host = '';
  port = 0;
  private readonly clients: Redis[] = [];
  private release = async (): Promise<void> => {};

  get redis(): Redis {
    const [first] = this.clients;
    if (first === undefined) throw new Error('The engine of this suite has not started.');
    return first;
  }

  async start(): Promise<void> {
    if (this.name === 'real') {
      const server = await startRedisServer();
      [this.host, this.port] = [server.host, server.port];
      this.release = () => server.stop();
    } else {
      const engine = await startEmbeddedEngine();
      [this.host, this.port] = [engine.host, engine.port];
      this.release = () => engine.close();
    }
    await this.connect();
  }

  async connect(options: ClientOptions = {}): Promise<Redis> {
    const client: Redis = new Redis({ ...clientOptions(this.host, this.port), ...options });
    client.on('error', () => {});
    await client.connect();
    this.clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.disconnect();
    await this.release();
  }
}
