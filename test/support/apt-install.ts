import { spawn } from 'node:child_process';
import { find } from './redis-binary.js';

const APT_TIMEOUT_MS = 300_000;
/** No questions of debconf; and no service: tests start servers of their own, on ports of their own. */
const APT_ENV = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };

/** Runs a command of the package manager to its end; rejects with the end of its output. */
export function runForInstall(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(find(command, env) ?? command, args, {
      env: { ...env, ...APT_ENV },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: APT_TIMEOUT_MS,
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-2_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}\n${output}`));
    });
  });
}
