import { randomUUID } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** Somebody else has the folder open. */
export class FolderInUseError extends Error {
  constructor(
    readonly folder: string,
    readonly holder: string,
  ) {
    super(`${folder} is in use by ${holder}`);
    this.name = 'FolderInUseError';
  }
}

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Start of the process as the kernel counts it: another process may have got the number since. */
  readonly started: string;
  /** Tells this holding from every other. */
  readonly token: string;
}

const LOCK = 'lock';
const TAKEOVER = 'lock.takeover';

/**
 * Makes sure that one process at a time opens a folder of the embedded engine, which has no lock of its own: two
 * that write one folder destroy it. A lock whose process is gone is taken over.
 */
export class FolderLock {
  private constructor(
    private readonly folder: string,
    private readonly token: string,
  ) {}

  /**
   * Makes the folder, for its owner only, and locks it.
   *
   * @throws FolderInUseError, or the error of the file system
   */
  static take(folder: string): FolderLock {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    const path = join(folder, LOCK);
    const token = randomUUID();
    if (create(path, token)) return new FolderLock(folder, token);
    // Only one at a time judges a lock and removes it: a second one would remove the new lock of the first.
    const guard = join(folder, TAKEOVER);
    if (!create(guard, token) && !(removedStale(guard) && create(guard, token))) throw inUse(folder, path);
    try {
      if (removedStale(path) && create(path, token)) return new FolderLock(folder, token);
    } finally {
      rmSync(guard, { force: true });
    }
    throw inUse(folder, path);
  }

  release(): void {
    const path = join(this.folder, LOCK);
    if (read(path)?.token === this.token) rmSync(path, { force: true });
  }
}

/** Whole or not at all: a reader never finds half a lock. */
function create(path: string, token: string): boolean {
  const holder: Holder = { pid: process.pid, host: hostname(), started: startOf(process.pid), token };
  const draft = `${path}.${token}`;
  writeFileSync(draft, JSON.stringify(holder), { mode: 0o600 });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function removedStale(path: string): boolean {
  const holder = read(path);
  if (holder && isAlive(holder)) return false;
  rmSync(path, { force: true });
  return true;
}

function read(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, host, started }: Holder): boolean {
  // Of another machine or container nothing can be known.
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return started === '' || started === startOf(pid);
}

/** '' where the system does not tell. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the process may hold spaces and brackets; the 22nd field is the 20th behind it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function inUse(folder: string, path: string): FolderInUseError {
  const holder = read(path);
  const name = holder ? `process ${holder.pid} on ${holder.host}` : 'another process';
  return new FolderInUseError(folder, name);
}
