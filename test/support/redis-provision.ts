import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { runForInstall as run } from './apt-install.js';
import { find, findRedisServer } from './redis-binary.js';

/** What decides whether a missing server may be installed. */
export interface Machine {
  env: NodeJS.ProcessEnv;
  root: boolean;
  /** Debian, Ubuntu or a relative of theirs. */
  debian: boolean;
  /** Somebody sits there who can be asked. */
  terminal: boolean;
}

export type Plan = 'use' | 'install' | 'ask' | 'do without';

const QUESTION = 'No redis-server found. Install it now with apt-get, for the tests only? (y/N) ';

export function thisMachine(): Machine {
  return {
    env: process.env,
    root: process.getuid?.() === 0,
    debian: isDebian(),
    terminal: Boolean(process.stdin.isTTY && process.stdout.isTTY),
  };
}

/** Installing changes the machine: only as root (no sudo on the quiet) and never without asking who can be asked. */
export function planFor({ env, root, debian, terminal }: Machine): Plan {
  if (findRedisServer(env)) return 'use';
  if (env['REDIS_SERVER_BIN']) {
    throw new Error(`REDIS_SERVER_BIN=${env['REDIS_SERVER_BIN']} is not an executable file`);
  }
  if (!root || !debian || !find('apt-get', env)) return 'do without';
  return env['CI'] === 'true' || !terminal ? 'install' : 'ask';
}

/** Whether the tests must fail rather than go without real servers. */
export function realServersRequired(env: NodeJS.ProcessEnv): boolean {
  return env['CI'] === 'true' || env['REQUIRE_REAL_REDIS'] === '1';
}

/** The path of a server, found or just installed; undefined when there is none to be had. */
export async function provisionRedisServer(
  machine: Machine,
  print: (line: string) => void,
): Promise<string | undefined> {
  const plan = planFor(machine);
  if (plan === 'install') print('No redis-server found: installing the package redis-server with apt-get.');
  if (plan === 'install' || (plan === 'ask' && (await agrees()))) await install(machine.env, print);
  return findRedisServer(machine.env);
}

async function install(env: NodeJS.ProcessEnv, print: (line: string) => void): Promise<void> {
  try {
    await run('apt-get', ['update'], env);
    await run('apt-get', ['install', '-y', '--no-install-recommends', 'redis-server'], env);
    // RUNLEVEL keeps invoke-rc.d from starting the service; where systemd runs, the package does not ask it.
    if (existsSync('/run/systemd/system') && find('systemctl', env)) {
      await run('systemctl', ['disable', '--now', 'redis-server.service'], env);
    }
  } catch (error) {
    // Not fatal here: what follows from a missing server is decided in one place, by the caller.
    print(`Installing redis-server failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function agrees(): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(QUESTION)).trim());
  } finally {
    terminal.close();
  }
}

function isDebian(): boolean {
  try {
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}
