import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { killOnExit, removeTemporaryDirectory, temporaryDirectory } from '../../test/support/clean-up.js';
import { find } from '../../test/support/redis-binary.js';
import { SERVER_CORE, pinnedCommand } from '../cores.js';
import type { Address } from './contestant.js';

const SOURCES = fileURLToPath(new URL('../swarm/', import.meta.url));
const PROGRAM = join(SOURCES, 'swarm');
/** Connections that are opened side by side. */
const AT_ONCE = 64;

/** What the clients have seen since the last `reset`. */
export interface Tally {
  /** What was waited for came before the time was over. */
  readonly inTime: boolean;
  readonly open: number;
  readonly refused: number;
  /** First line of the first answer that was no 200. */
  readonly refusal: string;
  /** Streams that the server ended. */
  readonly ended: number;
  /** Deliveries that were new to their client. */
  readonly events: number;
  /** By the numbers in the ids: passed over, not come yet, come again. */
  readonly lost: number;
  readonly missing: number;
  readonly duplicate: number;
  readonly gaps: number;
  /** Milliseconds from Redis' clock in the id to the client. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** When the last one came, microseconds since the epoch. */
  readonly lastUs: number;
  /** From the last cut until all were open again. */
  readonly backMs: number;
}

/** Builds the clients. @returns why they cannot be had, as a sentence */
export function buildSwarm(): string | undefined {
  if (process.platform !== 'linux') return 'Its clients are written for Linux (epoll).';
  const compiler = find('cc') ?? find('gcc') ?? find('clang');
  if (!compiler)
    return 'Its clients are C, and there is no cc, gcc or clang (apt-get install gcc libc6-dev).';
  mkdirSync(SOURCES, { recursive: true });
  const files = ['swarm.c', 'sse.c'].map((file) => join(SOURCES, file));
  execFileSync(compiler, ['-O2', '-o', PROGRAM, ...files], { stdio: 'inherit' });
  return undefined;
}

/** Many clients of one server, in a process of their own on the core of the servers. */
export class Swarm {
  private readonly answers: AsyncIterator<string>;

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    private readonly clients: number,
  ) {
    if (!child.stdout) throw new Error('The swarm has no output');
    this.answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /**
   * @returns when every client has the head of its stream; whoever is refused comes again, and it is said
   * @throws Error where that takes five minutes
   */
  static async connect(address: Address, clients: number): Promise<Swarm> {
    const folder = temporaryDirectory('swarm');
    const tokens = join(folder, 'tokens');
    writeFileSync(tokens, address.tokens.map((token) => `${token}\n`).join(''), { mode: 0o600 });
    const words = [String(address.port), address.path, tokens, String(clients)];
    const [command, args] = pinnedCommand(SERVER_CORE, PROGRAM, words);
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    killOnExit(child);
    const swarm = new Swarm(child, folder, clients);
    const { open, refused, refusal } = await swarm.order(`connect ${AT_ONCE}`);
    if (refused > 0) process.stdout.write(`${refused} streams were refused and came again (${refusal})\n`);
    if (open === clients) return swarm;
    await swarm.leave();
    throw new Error(`${open} of ${clients} streams were opened, ${refused} refused: ${refusal}`);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get size(): number {
    return this.clients;
  }

  reset(): Promise<Tally> {
    return this.order('reset');
  }

  /** Waits until everybody who reads has the event of that number. */
  until(sequence: number, timeoutMs: number): Promise<Tally> {
    return this.order(`until ${sequence} ${timeoutMs}`);
  }

  /** Cuts so many of a hundred; each comes back after a random part of the delay, with its Last-Event-ID. */
  cut(percent: number, delayMs: number): Promise<Tally> {
    return this.order(`cut ${percent} ${delayMs}`);
  }

  /** Waits until all are open. */
  back(timeoutMs: number): Promise<Tally> {
    return this.order(`back ${timeoutMs}`);
  }

  /** Lets the first ones stop reading, for good. */
  mute(clients: number): Promise<Tally> {
    return this.order(`mute ${clients}`);
  }

  /** All clients are gone. */
  async leave(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.stdin?.end();
    await gone;
    removeTemporaryDirectory(this.folder);
  }

  private async order(line: string): Promise<Tally> {
    this.child.stdin?.write(`${line}\n`);
    const { value, done } = await this.answers.next();
    if (done) throw new Error(`The swarm ended at "${line}"`);
    return JSON.parse(value) as Tally;
  }
}
