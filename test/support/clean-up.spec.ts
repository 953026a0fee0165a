import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { killOnExit, removeTemporaryDirectory, temporaryDirectory } from './clean-up.js';
import { describeReal } from './redis-availability.js';
import { find } from './redis-binary.js';
import { waitFor } from './wait-for.js';

const MODULES = [
  'clean-up',
  'free-port',
  'redis-binary',
  'redis-config',
  'redis-process',
  'redis-server',
  'wait-for',
];

/** Starts a server, freezes it (the worst case), tells about it, and does what its argument says. */
const PROGRAM = `
  import { startRedisServer } from './redis-server.js';
  const server = await startRedisServer();
  await server.freeze();
  console.log(JSON.stringify({ port: server.port, dir: server.dir }));
  if (process.argv[2] === 'exit') process.exit(0);
  if (process.argv[2] === 'crash') setTimeout(() => { throw new Error('crash'); });
  setInterval(() => undefined, 60_000);
`;

describeReal('a test process that ends without stopping its server', () => {
  let dir: string;

  beforeAll(() => {
    // A process of its own is the only thing that can be killed here; Node 20 does not run TypeScript.
    dir = temporaryDirectory('orphans');
    symlinkSync(resolve('node_modules'), join(dir, 'node_modules'));
    writeFileSync(join(dir, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(dir, 'program.js'), PROGRAM);
    const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    for (const name of MODULES) {
      const source = readFileSync(join(import.meta.dirname, `${name}.ts`), 'utf8');
      writeFileSync(join(dir, `${name}.js`), ts.transpileModule(source, { compilerOptions }).outputText);
    }
  });

  afterAll(() => removeTemporaryDirectory(dir));

  async function start(ending: string): Promise<{ child: ChildProcess; port: number; dir: string }> {
    const child = spawn(process.execPath, ['program.js', ending], {
      cwd: dir,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    killOnExit(child);
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return { child, ...(JSON.parse(line.toString()) as { port: number; dir: string }) };
  }

  it.each(['exit', 'crash'])('leaves neither server nor directory behind after an %s', async (ending) => {
    const { port, dir: data } = await start(ending);
    await expect(isGone(port)).resolves.toBe(true);
    await waitFor(() => !existsSync(data), { what: 'the directory to be removed' });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'leaves neither server nor directory behind after %s',
    async (signal) => {
      const { child, port, dir: data } = await start('wait');
      const exit = once(child, 'exit');
      child.kill(signal);
      expect(await exit).toEqual([null, signal]);
      await expect(isGone(port)).resolves.toBe(true);
      expect(existsSync(data)).toBe(false);
    },
  );

  it.runIf(process.platform === 'linux' && find('setpriv'))(
    'leaves no server behind after SIGKILL',
    async () => {
      const { child, port, dir: data } = await start('wait');
      child.kill('SIGKILL');
      await expect(isGone(port)).resolves.toBe(true);
      rmSync(data, { recursive: true });
    },
  );
});

/** By its port, since a process whose new parent does not reap it keeps its pid. */
function isGone(port: number): Promise<boolean> {
  return waitFor(() => refuses(port), { what: `port ${port} to be refused` });
}

function refuses(port: number): Promise<boolean> {
  return new Promise((resolveRefused) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolveRefused(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolveRefused(error.code === 'ECONNREFUSED'));
  });
}
