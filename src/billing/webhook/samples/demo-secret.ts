import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** In the folder where a demo was started, beside the secrets of development; ignored by git. */
const FOLDER = '.bulkhead';
const LOOPBACK = new Set(['127.0.0.1', '::1', '[::1]', 'localhost']);

interface Kept {
  /** Process of the demo. */
  readonly pid: number;
  readonly secret: string;
}

/**
 * Keeps the webhook secret that a demo has made up for itself where the command line of the same user and folder finds it,
 * until the process ends. Nothing is kept of a demo that others can reach.
 *
 * @param host where it listens
 * @returns whether it is kept
 */
export function keepDemoSecret(host: string, port: number, secret: string): boolean {
  if (!LOOPBACK.has(host)) return false;
  const file = fileOf(port);
  const draft = `${file}.${process.pid}`;
  const kept: Kept = { pid: process.pid, secret };
  try {
    mkdirSync(FOLDER, { recursive: true });
    // Written beside and renamed: nobody reads half a file, or writes through what another one has put there.
    rmSync(draft, { force: true });
    writeFileSync(draft, JSON.stringify(kept), { mode: 0o600, flag: 'wx' });
    renameSync(draft, file);
  } catch {
    // A folder that cannot be written to: the demo runs all the same.
    return false;
  }
  process.once('exit', () => {
    if (read(file)?.pid === process.pid) rmSync(file, { force: true });
  });
  return true;
}

/**
 * The webhook secret of the demo that listens there.
 *
 * @param origin of the demo
 * @returns undefined where no demo that was started in this folder runs there
 */
export function demoSecretAt(origin: string): string | undefined {
  const { protocol, hostname, port } = new URL(origin);
  if (protocol !== 'http:' || !LOOPBACK.has(hostname)) return undefined;
  const kept = read(fileOf(Number(port || 80)));
  // One that was killed has left its file behind.
  return kept && isRunning(kept.pid) ? kept.secret : undefined;
}

/** Ports of the demos that were started in this folder and run. */
export function demoPorts(): number[] {
  return filesHere().flatMap((name) => {
    const port = /^demo-(\d+)\.json$/.exec(name)?.[1];
    const kept = port === undefined ? undefined : read(join(FOLDER, name));
    return kept && isRunning(kept.pid) ? [Number(port)] : [];
  });
}

function filesHere(): string[] {
  try {
    return readdirSync(FOLDER);
  } catch {
    return [];
  }
}

function fileOf(port: number): string {
  return join(FOLDER, `demo-${port}.json`);
}

function read(file: string): Kept | undefined {
  try {
    const { pid, secret } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Kept>;
    return typeof pid === 'number' && typeof secret === 'string' ? { pid, secret } : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
