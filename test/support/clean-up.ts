import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * What must be gone when the test process is gone, however it ends: a failed hook, a timeout, Ctrl-C.
 * Vitest ends its workers with SIGTERM even after a good run, and Node emits no 'exit' event then, hence both.
 * Only SIGKILL gets past this; on Linux the servers are also tied to the life of this process by the kernel
 * (see redis-process.ts).
 */
const children = new Set<ChildProcess>();
const directories = new Set<string>();

/** Makes sure that the child does not outlive this process. SIGKILL, because it also ends a frozen process. */
export function killOnExit(child: ChildProcess): void {
  install();
  children.add(child);
  child.once('exit', () => children.delete(child));
}

/** A fresh directory in the temporary directory of the system, removed when the process ends. */
export function temporaryDirectory(purpose: string): string {
  install();
  const dir = mkdtempSync(join(tmpdir(), `bulkhead-${purpose}-`));
  directories.add(dir);
  return dir;
}

/** Removes a directory made by `temporaryDirectory`; any other one belongs to the caller and is left alone. */
export function removeTemporaryDirectory(dir: string): void {
  if (directories.delete(dir)) remove(dir);
}

let installed = false;

function install(): void {
  if (installed) return;
  installed = true;
  process.on('exit', cleanUp);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    const onSignal = (): void => {
      // Somebody else (a NestJS application under test) shuts down in its own order and raises the signal again.
      if (process.listenerCount(signal) > 1) return;
      cleanUp();
      process.off(signal, onSignal);
      process.kill(process.pid, signal);
    };
    process.on(signal, onSignal);
  }
}

function cleanUp(): void {
  for (const child of children) child.kill('SIGKILL');
  for (const dir of directories) remove(dir);
}

function remove(dir: string): void {
  // A server that is just being killed may still write a file between the listing and the rmdir.
  rmSync(dir, { recursive: true, force: true, maxRetries: 3, retryDelay: 20 });
}
