import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { mendCommands } from './engine-commands.js';
import { EngineConnection } from './engine-connection.js';
import { EngineIdentity } from './engine-info.js';
import {
  loadEngineLibrary,
  type EngineExecutor,
  type EngineLibrary,
  type EngineState,
} from './engine-library.js';
import { mendScripts } from './engine-scripts.js';
import { FairTurnQueue } from './engine-turns.js';

export { EmbeddedEngineMissingError } from './engine-library.js';

const HOST = '127.0.0.1';
const COMPATIBILITY = 'redis-7.0';
const DATABASES = 16;

export interface EmbeddedEngine {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * A Redis-compatible server inside this process: own data, own port, loopback only. It never prints and never keeps
 * the process alive. What it does not do as Redis does: docs/embedded-engine.md.
 */
export async function startEmbeddedEngine(): Promise<EmbeddedEngine> {
  const library = await loadEngineLibrary();
  const engine = new RunningEngine(library);
  await engine.listen();
  return engine;
}

class RunningEngine implements EmbeddedEngine {
  readonly host = HOST;
  private readonly state: EngineState;
  private readonly executor: EngineExecutor;
  private readonly identity = new EngineIdentity();
  private readonly turns = new FairTurnQueue();
  private readonly server: Server;
  private readonly open = new Map<EngineConnection, Promise<void>>();
  private accepted = 0;
  private closing: Promise<void> | undefined;

  constructor(private readonly library: EngineLibrary) {
    this.state = new library.RedisServerState({ databaseCount: DATABASES, compatibility: COMPATIBILITY });
    mendScripts(this.state);
    this.executor = createExecutor(library, this.state, this.identity);
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.accept(socket));
    this.server.unref();
  }

  get port(): number {
    return this.identity.port;
  }

  /** The script runtime is made ready too: no first script waits for it. */
  async listen(): Promise<void> {
    await this.state.getLuaRuntime();
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(0, HOST, () => {
        this.server.off('error', reject);
        this.identity.port = (this.server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const connection of this.open.keys()) connection.destroy();
    await Promise.all(this.open.values());
    await closed;
    this.state.close();
  }

  private accept(socket: Socket): void {
    const connection = new EngineConnection(socket, ++this.accepted);
    const session = new this.library.ClientSession({
      server: this.state,
      executor: this.executor,
      clientAddress: `${socket.remoteAddress ?? HOST}:${socket.remotePort ?? 0}`,
      signal: connection.signal,
      park: connection.park,
      turnQueue: this.turns,
      closeConnection: () => connection.close(),
    });
    const adapter = new this.library.Resp2SessionAdapter({ transport: connection, session });
    const finished = adapter.run().finally(() => {
      connection.close();
      this.open.delete(connection);
    });
    this.open.set(
      connection,
      finished.catch(() => undefined),
    );
  }
}

function createExecutor(
  library: EngineLibrary,
  state: EngineState,
  identity: EngineIdentity,
): EngineExecutor {
  const registry = library.createRedisCommandRegistry([], state.profile);
  mendCommands(library, registry, identity);
  return new library.CommandExecutor({
    registry,
    profile: state.profile,
    policies: [library.createAuthPolicy(), library.createTransactionPolicy()],
  });
}
