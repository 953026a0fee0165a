import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { find } from '../../test/support/redis-binary.js';
import { SERVER_CORE, pinnedCommand } from '../cores.js';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('./wrk-requests.lua', import.meta.url));
export const CONNECTIONS = 64;

export interface Answers {
  readonly count: number;
  /** Of them, answers that were neither 2xx nor 3xx. */
  readonly refused: number;
  readonly perSecond: number;
}

/** The load generator; undefined where it is not installed. */
export function findWrk(): string | undefined {
  return find('wrk');
}

/** @throws Error when a connection failed: such a round says nothing */
export async function ask(wrk: string, url: string, seconds: number): Promise<Answers> {
  const words = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '-s', SCRIPT, url];
  const [command, args] = pinnedCommand(SERVER_CORE, wrk, words);
  const { stdout } = await run(command, args);
  if (/Socket errors/.test(stdout)) throw new Error(`wrk on ${url}:\n${stdout}`);
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1] ?? 0);
  return {
    count: number(/(\d+) requests in/),
    refused: number(/Non-2xx or 3xx responses: (\d+)/),
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
  };
}
