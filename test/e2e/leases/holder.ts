import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { StreamQuotaTable, Subjects } from '../../../src/rate-limit/index.js';
import { killOnExit } from '../../support/clean-up.js';

const script = fileURLToPath(new URL('./holder.mjs', import.meta.url));

export interface Opened {
  readonly allowed: boolean;
  readonly id?: string;
  readonly backend: string;
  readonly degraded: boolean;
}

export interface HolderOptions {
  /** Folder of the built application. */
  readonly built: string;
  readonly url: string;
  readonly quotas: StreamQuotaTable;
  /** How far the clock of its host is wrong. */
  readonly skewMs?: number;
}

/** Starts an instance in a process of its own and resolves when it is ready. */
export async function startHolder({ built, url, quotas, skewMs = 0 }: HolderOptions): Promise<Holder> {
  const child = fork(script, [built, JSON.stringify(quotas), String(skewMs)], {
    // No inherited variables: the test says all that the instance knows.
    env: {
      PATH: process.env['PATH'] ?? '',
      APP_PROFILE: 'test',
      RATE_LIMIT_REDIS_URL: url,
      RATE_LIMIT_REDIS_COMMAND_MS: '2000',
      RATE_LIMIT_KEY_SECRET: 'k'.repeat(32),
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  killOnExit(child);
  const holder = new Holder(child);
  await holder.answer(0);
  return holder;
}

/** Another process that holds streams open. */
export class Holder {
  private asked = 0;
  private readonly waiting = new Map<number, (result: unknown) => void>();
  private readonly exit: Promise<unknown>;

  constructor(private readonly child: ChildProcess) {
    this.exit = new Promise((resolve) => child.once('exit', resolve));
    child.on('message', ({ number, result }: { number: number; result: unknown }) => {
      this.waiting.get(number)?.(result);
      this.waiting.delete(number);
    });
  }

  /** Opens `count` streams at once. */
  open(name: string, subjects: Subjects, count = 1): Promise<Opened[]> {
    return this.order({ order: 'open', name, subjects, count }) as Promise<Opened[]>;
  }

  /** Closes these streams, or all. */
  async close(ids?: readonly string[]): Promise<void> {
    await this.order({ order: 'close', ids });
  }

  /** Opens and closes streams of `users`, five connections each, for twenty times. */
  async storm(name: string, users: number): Promise<void> {
    await this.order({ order: 'storm', name, users });
  }

  /** In an orderly way. */
  async stop(): Promise<void> {
    await this.order({ order: 'stop' });
    await this.exit;
  }

  /** As the kernel does it when memory is short. */
  async kill9(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exit;
  }

  answer(number: number): Promise<unknown> {
    const answered = new Promise((resolve) => this.waiting.set(number, resolve));
    const ended = this.exit.then((code) => {
      throw new Error(`the instance has ended (${String(code)})`);
    });
    return Promise.race([answered, ended]);
  }

  private order(message: object): Promise<unknown> {
    const number = (this.asked += 1);
    const answer = this.answer(number);
    this.child.send({ ...message, number });
    return answer;
  }
}
