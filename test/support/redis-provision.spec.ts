import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeTemporaryDirectory, temporaryDirectory } from './clean-up.js';
import { findRedisServer } from './redis-binary.js';
import { planFor, provisionRedisServer, realServersRequired, type Machine } from './redis-provision.js';
import { readUnproven, recordUnproven, unprovenBlock } from './unproven.js';

describe('a machine and its redis-server', () => {
  let bin: string;

  beforeEach(() => {
    bin = temporaryDirectory('provision');
  });

  afterEach(() => removeTemporaryDirectory(bin));

  /** A machine on which only the programs in `bin` exist. */
  function machine(facts: Partial<Omit<Machine, 'env'>> = {}, env: NodeJS.ProcessEnv = {}): Machine {
    return { root: true, debian: true, terminal: true, ...facts, env: { PATH: bin, ...env } };
  }

  function program(name: string, script = 'exit 0'): string {
    const path = join(bin, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  it('REDIS_SERVER_BIN comes before redis-server, and that before valkey-server', () => {
    expect(findRedisServer({ PATH: bin })).toBeUndefined();
    const valkey = program('valkey-server');
    expect(findRedisServer({ PATH: bin })).toBe(valkey);
    const redis = program('redis-server');
    expect(findRedisServer({ PATH: bin })).toBe(redis);
    const own = program('my-redis');
    expect(findRedisServer({ PATH: bin, REDIS_SERVER_BIN: own })).toBe(own);
    expect(findRedisServer({ PATH: bin, REDIS_SERVER_BIN: 'my-redis' })).toBe(own);
  });

  it('a REDIS_SERVER_BIN that is no program is an error and not ignored', () => {
    program('redis-server');
    expect(() => planFor(machine({}, { REDIS_SERVER_BIN: '/no/such/file' }))).toThrow('/no/such/file');
  });

  it('a terminal is asked, CI and a pipe are not', () => {
    program('apt-get');
    expect(planFor(machine())).toBe('ask');
    expect(planFor(machine({}, { CI: 'true' }))).toBe('install');
    expect(planFor(machine({ terminal: false }))).toBe('install');
  });

  it('nothing is installed without root, Debian and apt-get, nor when a server is there', () => {
    expect(planFor(machine({ terminal: false }))).toBe('do without');
    program('apt-get');
    expect(planFor(machine({ terminal: false, root: false }))).toBe('do without');
    expect(planFor(machine({ terminal: false, debian: false }))).toBe('do without');
    program('redis-server');
    expect(planFor(machine({ terminal: false }))).toBe('use');
  });

  it('installing says so, asks nothing, starts no service, and gives the new server', async () => {
    const log = join(bin, 'log');
    const server = join(bin, 'redis-server');
    program('systemctl');
    program(
      'apt-get',
      `echo "$DEBIAN_FRONTEND $RUNLEVEL $*" >> ${log}
       if [ "$1" = install ]; then printf '#!/bin/sh\\n' > ${server}; /bin/chmod +x ${server}; fi`,
    );
    const printed: string[] = [];
    const found = await provisionRedisServer(machine({ terminal: false }), (line) => printed.push(line));
    expect(found).toBe(server);
    expect(printed).toEqual(['No redis-server found: installing the package redis-server with apt-get.']);
    expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual([
      'noninteractive 1 update',
      'noninteractive 1 install -y --no-install-recommends redis-server',
    ]);
  });

  it('a failed installation is reported and leaves no server', async () => {
    program('apt-get', 'echo "Temporary failure resolving" >&2; exit 100');
    const printed: string[] = [];
    const found = await provisionRedisServer(machine({ terminal: false }), (line) => printed.push(line));
    expect(found).toBeUndefined();
    expect(printed.at(-1)).toMatch(/apt-get update ended with 100\s+Temporary failure resolving/);
  });

  it('CI and REQUIRE_REAL_REDIS do not accept a run without servers', () => {
    expect(realServersRequired({})).toBe(false);
    expect(realServersRequired({ CI: 'true' })).toBe(true);
    expect(realServersRequired({ REQUIRE_REAL_REDIS: '1' })).toBe(true);
  });

  it('what was left out is listed once, with the commands that would prove it', () => {
    const report = join(bin, 'unproven.jsonl');
    expect(unprovenBlock(readUnproven(report))).toBeUndefined();
    const suite = { file: 'test/faults/outage.faults.ts', name: 'an outage of cache' };
    recordUnproven(report, suite);
    recordUnproven(report, suite);
    const block = unprovenBlock(readUnproven(report));
    expect(block?.split('an outage of cache')).toHaveLength(2);
    expect(block).toContain('apt-get install -y --no-install-recommends redis-server');
  });
});
