import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { killOnExit } from '../../support/clean-up.js';
import { freePort } from '../../support/free-port.js';
import type { OwnBuild } from '../../support/own-build.js';
import { waitFor } from '../../support/wait-for.js';

/** The whole application in a process of its own, to be killed. */
export class ProjectingProcess {
  private constructor(
    private readonly child: ChildProcess,
    private readonly ended: Promise<unknown>,
  ) {}

  /** Resolves when it listens. */
  static async start(build: OwnBuild, env: Readonly<Record<string, string>>): Promise<ProjectingProcess> {
    const home = dirname(build.cli);
    const port = String(await freePort());
    const child = spawn(process.execPath, [join(home, 'main.js')], {
      cwd: home,
      env: { PATH: process.env['PATH'] ?? '', APP_PROFILE: 'test', HOST: '127.0.0.1', PORT: port, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    killOnExit(child);
    let text = '';
    const keep = (data: Buffer) => (text += data.toString());
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const ended = once(child, 'exit');
    await waitFor(() => text.includes('Listening on') || child.exitCode !== null, {
      what: 'the application to listen',
      timeoutMs: 60_000,
    });
    if (child.exitCode !== null) throw new Error(`The application has ended:\n${text}`);
    return new ProjectingProcess(child, ended);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** As the kernel does it when memory is short. */
  async kill9(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** As a deployment does it. */
  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.ended;
  }
}
