import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { killOnExit } from '../support/clean-up.js';
import { type OwnBuild, createOwnBuild } from '../support/own-build.js';
import { waitFor } from '../support/wait-for.js';
import { KEY, QueueRig } from './stream-group.rig.js';
import { withEngine } from './support/engine.js';

const script = fileURLToPath(new URL('queue/worker-process.mjs', import.meta.url));

withEngine('Workers on a stream in processes of their own', (engine) => {
  let build: OwnBuild;
  let rig: QueueRig;
  beforeAll(async () => {
    build = createOwnBuild('stream-group');
    rig = await QueueRig.open(engine);
  });
  afterAll(async () => {
    await rig?.close();
    build?.remove();
  });
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  async function startWorker(leaseMs: number, manner: 'done' | 'hang') {
    const url = `redis://${engine.host}:${engine.port}`;
    const args = [script, dirname(build.cli), url, String(leaseMs), manner];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    killOnExit(child);
    children.push(child);
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const exit = once(child, 'exit');
    await waitFor(() => text.includes('started'), { what: 'a worker to start', timeoutMs: 60_000 });
    return {
      exit,
      names: () => text.split('\n').filter((line) => line && line !== 'started'),
      kill: async () => {
        child.kill('SIGKILL');
        await exit;
      },
    };
  }

  const sortedNames = (names: readonly string[]) => [...names].sort();

  it('two of them, one killed in the middle: everything is done, and little of it twice', async () => {
    const [victim, heir] = await Promise.all([startWorker(2000, 'done'), startWorker(2000, 'done')]);
    const adding = rig.add(600);
    await waitFor(() => victim.names().length > 20 && heir.names().length > 20, {
      what: 'both to be at it',
      timeoutMs: 30_000,
      intervalMs: 1,
    });
    await victim.kill();
    const names = await adding;
    await rig.idle(60_000);
    const all = () => [...victim.names(), ...heir.names()];
    await waitFor(() => new Set(all()).size === 600, { what: 'all to be told' });
    expect(sortedNames([...new Set(all())])).toEqual(sortedNames(names));
    // At most what it had in its hands.
    expect(all().length - 600).toBeLessThanOrEqual(16);
    expect(await rig.dead()).toEqual([]);
  });

  it('one killed with its hands full: another does all of it after the lease', async () => {
    const victim = await startWorker(1500, 'hang');
    const names = await rig.add(16);
    await waitFor(() => victim.names().length === 16, { what: 'all to be begun', timeoutMs: 30_000 });
    await victim.kill();
    expect(await rig.pending()).toBe(16);
    const heir = await startWorker(1500, 'done');
    await rig.idle(60_000);
    await waitFor(() => heir.names().length === 16, { what: 'all to be told' });
    expect(sortedNames(heir.names())).toEqual(sortedNames(names));
  });

  it('an entry that kills whoever has it is buried, and of those beside it none', async () => {
    const names = await rig.add(10);
    const killer = await rig.client.xadd(KEY, '*', 'n', 'killer');
    const more = await rig.add(10, 100);
    const workers: Awaited<ReturnType<typeof startWorker>>[] = [];
    for (let life = 0; life < 5; life += 1) {
      const worker = await startWorker(600, 'done');
      workers.push(worker);
      await worker.exit;
    }
    workers.push(await startWorker(600, 'done'));
    await rig.idle(60_000);
    const done = () => workers.flatMap((worker) => worker.names());
    await waitFor(() => new Set(done()).size === 20, { what: 'all others to be told' });
    expect(sortedNames([...new Set(done())])).toEqual(sortedNames([...names, ...more]));
    expect(await rig.dead()).toMatchObject([
      { entry: killer, reason: 'abandoned', deliveries: '6', n: 'killer' },
    ]);
  });
});
