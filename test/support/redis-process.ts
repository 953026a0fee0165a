import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { find } from './redis-binary.js';
import { killOnExit } from './clean-up.js';
import { waitFor } from './wait-for.js';

const LOG_TAIL_CHARS = 8_192;
/** Seen: 25 ms. Generous, since other test files may be starting servers at the same time. */
const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 3_000;

/** One run of a server, from its start to its end; the handle in redis-server.ts has one after the other. */
export class RedisProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #log = '';
  #frozen = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once('exit', resolve);
      child.once('error', (error) => {
        this.#keep(Buffer.from(`${error.message}\n`));
        resolve(error);
      });
    });
    child.stdout?.on('data', (chunk: Buffer) => this.#keep(chunk));
    child.stderr?.on('data', (chunk: Buffer) => this.#keep(chunk));
    killOnExit(child);
  }

  /** Resolves when the server answers; rejects with the end of its log when it ends instead or stays mute. */
  static async start(binary: string, args: string[], unixSocket: string): Promise<RedisProcess> {
    const [command, prefix] = dyingWithParent();
    const child = spawn(command ?? binary, command ? [...prefix, binary, ...args] : args, {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const process = new RedisProcess(child);
    try {
      await waitFor(async () => !process.alive || (await answers(unixSocket)), {
        what: `an answer of ${binary}`,
        timeoutMs: START_TIMEOUT_MS,
        intervalMs: 4,
      });
      if (!process.alive) throw new Error(`${binary} ended at once`);
      return process;
    } catch (error) {
      await process.end('SIGKILL');
      throw new Error(
        `${error instanceof Error ? error.message : String(error)}. Its log ends:\n${process.log}`,
      );
    }
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get alive(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  get log(): string {
    return this.#log;
  }

  /** By child handle and never by a bare pid: a pid may have been given to another process in the meantime. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    // A frozen process does not handle SIGTERM; SIGKILL ends it all the same.
    if (this.alive) this.#child.kill(this.#frozen ? 'SIGKILL' : signal);
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(patience);
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  async freeze(): Promise<void> {
    this.#frozen = true;
    this.#child.kill('SIGSTOP');
    // The signal is only queued so far; a command sent now could still be answered.
    if (process.platform === 'linux') {
      await waitFor(() => this.#state() === 'T', {
        what: `process ${this.pid} to be stopped`,
        intervalMs: 1,
      });
    }
  }

  thaw(): void {
    this.#frozen = false;
    this.#child.kill('SIGCONT');
  }

  #state(): string | undefined {
    return /\) (\w)/.exec(readFileSync(`/proc/${this.pid}/stat`, 'utf8'))?.[1];
  }

  #keep(chunk: Buffer): void {
    this.#log = (this.#log + chunk.toString()).slice(-LOG_TAIL_CHARS);
  }
}

/**
 * `setpriv --pdeathsig` (util-linux, part of every Debian) makes the kernel end the server with its parent, even
 * when the parent gets SIGKILL and no handler of ours can run. It replaces itself by the server: same pid.
 */
function dyingWithParent(): [string | undefined, string[]] {
  const setpriv = process.platform === 'linux' ? find('setpriv') : undefined;
  return [setpriv, ['--pdeathsig', 'KILL', '--']];
}

/**
 * Whether the server is ready to serve: PONG, or a refusal that only a serving one gives (NOAUTH, too many clients),
 * but not LOADING. Asked over the socket file in the directory of this very server: on a TCP port somebody else
 * might answer.
 */
async function answers(unixSocket: string): Promise<boolean> {
  const socket = connect(unixSocket);
  try {
    socket.write('PING\r\n');
    const [reply] = (await once(socket, 'data', { signal: AbortSignal.timeout(1_000) })) as [Buffer];
    return /^(\+PONG|-NOAUTH|-NOPERM|-ERR)/.test(reply.toString());
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
