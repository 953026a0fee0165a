import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FolderInUseError, FolderLock } from './folder-lock.js';

let home: string;
let folder: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'bulkhead-lock-'));
  folder = join(home, 'deep', 'database');
});
afterEach(() => rmSync(home, { recursive: true }));

/** A process that has ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '0']).pid;
}

/** As if somebody else had taken it. */
function lockOf(change: object, name = 'lock'): void {
  FolderLock.take(folder);
  const path = join(folder, 'lock');
  const holder = JSON.parse(readFileSync(path, 'utf8')) as object;
  if (name !== 'lock') rmSync(path);
  writeFileSync(join(folder, name), JSON.stringify({ ...holder, token: 'of another', ...change }));
}

describe('FolderLock', () => {
  it('makes the folder for its owner only, and leaves nothing but the lock', () => {
    FolderLock.take(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  it('is had by one at a time, and names who has it', () => {
    const lock = FolderLock.take(folder);
    expect(() => FolderLock.take(folder)).toThrow(FolderInUseError);
    expect(() => FolderLock.take(folder)).toThrow(`process ${process.pid} on ${hostname()}`);
    lock.release();
    expect(() => FolderLock.take(folder)).not.toThrow();
  });

  it('is taken over from a process that is gone', () => {
    lockOf({ pid: deadPid() });
    expect(() => FolderLock.take(folder)).not.toThrow();
    expect(readFileSync(join(folder, 'lock'), 'utf8')).toContain(`"pid":${process.pid}`);
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  it('is taken over from a process whose number another one has got', () => {
    lockOf({ started: '1' });
    expect(() => FolderLock.take(folder)).not.toThrow();
  });

  it('is not taken over from another machine, of which nothing can be known', () => {
    lockOf({ host: 'another', pid: deadPid() });
    expect(() => FolderLock.take(folder)).toThrow('on another');
  });

  it('is taken over from a file that says nothing', () => {
    FolderLock.take(folder);
    writeFileSync(join(folder, 'lock'), '');
    expect(() => FolderLock.take(folder)).not.toThrow();
  });

  it('is taken over although somebody died while he took it over', () => {
    lockOf({ pid: deadPid() });
    writeFileSync(join(folder, 'lock.takeover'), readFileSync(join(folder, 'lock')));
    expect(() => FolderLock.take(folder)).not.toThrow();
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  it('released by who was overtaken stays with who has it', () => {
    const first = FolderLock.take(folder);
    lockOfAnother();
    first.release();
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  function lockOfAnother(): void {
    const path = join(folder, 'lock');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), token: 'of another' }));
  }
});
