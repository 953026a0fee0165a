import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../../config/index.js';
import { EXIT } from '../../kernel/errors.js';
import { HttpDriver } from './http-driver.js';
import { type Target, TargetError } from './target.js';

const ENTRY = fileURLToPath(new URL('../../main.js', import.meta.url));
/** Longer than REDIS_START_DEADLINE_MS usually is; an application that refuses to start ends by itself. */
const READY_WITHIN_MS = 60_000;
/** Longer than SHUTDOWN_DEADLINE_MS is by default. */
const GONE_WITHIN_MS = 30_000;
const TAIL_CHARS = 4000;
const ATTEMPTS = 3;

/** The built application as a child process on a free port of loopback. */
export interface OwnApplication {
  readonly target: Target;
  /** Its exit code, or the signal that ended it, once it has ended although nobody here stopped it. */
  readonly endedWith: () => number | NodeJS.Signals | undefined;
  /** SIGTERM, and SIGKILL where that does not help. */
  readonly stop: () => Promise<void>;
}

/**
 * @param environment of the child; address, port and operator token are set over it
 * @throws TargetError when it refuses to start or does not become ready
 */
export async function startOwnApplication(
  environment: Environment,
  signal: AbortSignal,
): Promise<OwnApplication> {
  for (let attempt = 1; ; attempt += 1) {
    const child = await start(environment);
    try {
      await untilReady(child, signal);
      return child;
    } catch (error) {
      await child.stop();
      // Somebody else was given the port between our asking for it and the child's listening on it.
      if (attempt < ATTEMPTS && child.tail().includes('EADDRINUSE')) continue;
      throw error;
    }
  }
}

interface StartedChild extends OwnApplication {
  readonly tail: () => string;
}

async function start(environment: Environment): Promise<StartedChild> {
  const port = await freePort();
  // A token of our own is known without reading the settings, and ends with the child.
  const token = randomBytes(32).toString('hex');
  const env = {
    ...environment,
    HOST: '127.0.0.1',
    PORT: String(port),
    OPS_TOKEN: token,
    OPS_TOKEN_FILE: '',
  };
  // Its log is not read: reading a line per request would be work of the process that measures.
  const child = spawn(process.execPath, [ENTRY], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.on('data', (data: Buffer) => (text = (text + data.toString()).slice(-TAIL_CHARS)));
  const kill = () => void child.kill('SIGTERM');
  process.once('exit', kill);
  const gone = new Promise<void>((resolve) => {
    child.once('close', () => {
      process.off('exit', kill);
      resolve();
    });
    child.once('error', () => resolve());
  });
  return {
    target: { secure: false, hostname: '127.0.0.1', port, basePath: '', token },
    endedWith: () => child.exitCode ?? child.signalCode ?? undefined,
    tail: () => text,
    stop: () => stop(child, gone),
  };
}

async function stop(child: ChildProcess, gone: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), GONE_WITHIN_MS);
  await gone;
  clearTimeout(timer);
}

async function untilReady(child: StartedChild, signal: AbortSignal): Promise<void> {
  const driver = new HttpDriver(child.target);
  const deadline = performance.now() + READY_WITHIN_MS;
  let last = 'no answer';
  while (performance.now() < deadline && !signal.aborted) {
    const code = child.endedWith();
    if (code !== undefined) throw new TargetError(refusal(code, child.tail()), known(code));
    last = await driver.page('/readyz').then(
      ({ status }) => String(status),
      () => last,
    );
    if (last === '200') return;
    await delay(50);
  }
  const seconds = READY_WITHIN_MS / 1000;
  throw new TargetError(
    signal.aborted
      ? 'stopped while the application was starting'
      : `The application was not ready within ${seconds} s: the last word of /readyz was ${last}. ` +
          'Start it by itself (npm start) to see its log.',
    EXIT.unavailable,
  );
}

function refusal(code: number | string, tail: string): string {
  const head = `The application ended with ${code} before it was ready.`;
  return tail === '' ? `${head} Start it by itself (npm start) to see why.` : `${head}\n${tail.trimEnd()}`;
}

/** The codes that it ends with by design are handed on; any other is a mistake of the program. */
function known(code: number | string): number {
  return code === EXIT.unavailable || code === EXIT.config ? code : EXIT.software;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port: 0, host: '127.0.0.1' }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
