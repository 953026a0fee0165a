import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { killOnExit } from './clean-up.js';
import { freePort } from './free-port.js';
import { nodeArgumentsWithoutFeatures } from './no-features.js';
import { waitFor } from './wait-for.js';

const root = join(fileURLToPath(import.meta.url), '../../..');

/** The built application as a process of its own, as an operator runs it. */
export interface RunningApplication {
  readonly origin: string;
  readonly process: ChildProcess;
  /** Everything written to stdout and stderr so far. */
  readonly output: () => string;
  /** Those lines of it that match, ten at most: a check that fails shows them instead of everything. */
  readonly lines: (pattern: RegExp) => string[];
  /** Resolves when the process has ended. */
  readonly exit: Promise<{ code: number | null; ms: number }>;
}

export interface Surroundings {
  /** Unset: a folder without `.env`. */
  readonly cwd?: string;
  /** Embedded engines are compiled first. */
  readonly listensWithinMs?: number;
  /** Arguments of Node itself. */
  readonly nodeArguments?: readonly string[];
}

/**
 * Starts `dist/main.js` with only the given variables and without a team's features, and waits until it listens, or has
 * ended.
 *
 * @param env with PORT where it has to be the one of an application before it
 */
export async function startApplication(
  env: Readonly<Record<string, string>>,
  {
    cwd = fileURLToPath(new URL('.', import.meta.url)),
    listensWithinMs = 120_000,
    nodeArguments = [],
  }: Surroundings = {},
): Promise<RunningApplication> {
  const port = env['PORT'] ?? (await freePort());
  const main = join(root, 'dist/main.js');
  const child = spawn(process.execPath, [...nodeArguments, ...nodeArgumentsWithoutFeatures(), main], {
    // No inherited variables and a folder without .env: the test says all that the application knows.
    cwd,
    env: { PATH: process.env.PATH ?? '', PORT: String(port), HOST: '127.0.0.1', LOG_FORMAT: 'json', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  killOnExit(child);
  const started = performance.now();
  let text = '';
  let ended = false;
  child.stdout.on('data', (data: Buffer) => (text += data.toString()));
  child.stderr.on('data', (data: Buffer) => (text += data.toString()));
  const exit = new Promise<{ code: number | null; ms: number }>((resolve) => {
    child.once('exit', (code) => {
      ended = true;
      resolve({ code, ms: performance.now() - started });
    });
  });
  const lines = (pattern: RegExp) =>
    text
      .split('\n')
      .filter((line) => pattern.test(line))
      .slice(0, 10);
  const origin = `http://127.0.0.1:${port}`;
  const application = { origin, process: child, output: () => text, lines, exit };
  await waitFor(() => ended || text.includes('Listening on'), {
    what: 'the application to listen',
    timeoutMs: listensWithinMs,
  });
  return application;
}
