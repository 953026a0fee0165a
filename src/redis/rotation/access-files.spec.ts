import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../config/index.js';
import { ManualClock } from '../../kernel/manual-clock.js';
import { Secret } from '../../kernel/redact.js';
import type { Timer } from '../../kernel/time.js';
import type { ConnectionRequest, Login } from '../login.js';
import { PURPOSES } from '../purposes.js';
import { PurposeSettings, RedisSettings } from '../redis.config.js';
import { AccessFiles } from './access-files.js';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-access-'));
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const write = (name: string, text: string): string => {
  writeFileSync(at(name), text);
  return at(name);
};

/** Tells when somebody waits: reading files takes real turns of the event loop. */
class WatchedClock extends ManualClock {
  private waits = 0;

  override after(delayMs: number, run: () => void): Timer {
    this.waits += 1;
    return super.after(delayMs, run);
  }

  async waited(times: number): Promise<void> {
    while (this.waits < times) await turn();
  }
}

interface Given {
  readonly own?: Partial<PurposeSettings>;
  readonly shared?: Partial<RedisSettings>;
  readonly request?: Partial<ConnectionRequest>;
  readonly files?: Readonly<Record<string, string>>;
}

function filesOf({ own = {}, shared = {}, request = {}, files = {} }: Given): AccessFiles {
  return new AccessFiles(
    {
      purpose: 'authCache',
      definition: PURPOSES.authCache,
      own: Object.assign(new PurposeSettings(), own),
      shared: Object.assign(new RedisSettings(), { tls: false }, shared),
      profile: 'test',
      ...request,
    },
    { fileOf: (name) => files[name] },
  );
}

const PASSWORD = 'AUTH_CACHE_REDIS_PASSWORD';
const URL_OF = 'AUTH_CACHE_REDIS_URL';
const withPassword = (): AccessFiles =>
  filesOf({
    own: { url: new Secret('redis://app@host:1'), password: new Secret('at the start') },
    files: { [PASSWORD]: at('password') },
  });

const loginOf = (files: AccessFiles): unknown => {
  const login = files.login();
  if (Array.isArray(login))
    return (login as readonly Fault[]).map(({ variable, purpose }) => [variable, purpose]);
  const { target, credentials } = login as Login;
  return [target.host, credentials.username, credentials.password?.reveal()];
};

describe('The files of a purpose', () => {
  beforeEach(() => void write('password', 's3cret'));

  it.each<[string, Given, string[]]>([
    ['its password', { files: { [PASSWORD]: 'p' } }, [`${PASSWORD}_FILE`]],
    [
      'its URL',
      { own: { url: new Secret('u') }, files: { [URL_OF]: 'p', REDIS_URL: 'q' } },
      [`${URL_OF}_FILE`],
    ],
    ['the shared URL, where it has none of its own', { files: { REDIS_URL: 'q' } }, ['REDIS_URL_FILE']],
    [
      'no URL beside one in code',
      { request: { explicitUrl: new Secret('u') }, files: { REDIS_URL: 'q' } },
      [],
    ],
    [
      'no password beside a provider',
      {
        request: { provider: { fetch: () => Promise.resolve({ password: 'p' }) } },
        files: { [PASSWORD]: 'p' },
      },
      [],
    ],
    ['none', {}, []],
  ])('are those that decide: %s', (_, given, variables) => {
    expect(filesOf(given).secretVariables).toEqual(variables);
  });

  it('are those of its certificates', () => {
    const own = { tlsCaFile: 'ca', tlsKeyFile: 'key' };
    expect(filesOf({ own }).certificateVariables).toEqual([
      'AUTH_CACHE_REDIS_TLS_CA_FILE',
      'AUTH_CACHE_REDIS_TLS_KEY_FILE',
    ]);
  });

  it('give the password that they hold now', () => {
    const files = withPassword();
    expect(loginOf(files)).toEqual(['host', 'app', 's3cret']);
    write('password', 'another');
    expect(loginOf(files)).toEqual(['host', 'app', 'another']);
  });

  it('give the URL that they hold now, of its own or shared', () => {
    write('url', 'redis://two:second@elsewhere:2');
    const own = filesOf({ own: { url: new Secret('redis://x:y@host:1') }, files: { [URL_OF]: at('url') } });
    const shared = filesOf({
      shared: { url: new Secret('redis://x:y@host:1') },
      files: { REDIS_URL: at('url') },
    });
    expect(loginOf(own)).toEqual(['elsewhere', 'two', 'second']);
    expect(loginOf(shared)).toEqual(['elsewhere', 'two', 'second']);
  });

  it('are at fault under the name of the variable that is set, and a shared one is nobody’s', () => {
    const own = filesOf({
      own: { url: new Secret('redis://h:1') },
      files: { [URL_OF]: write('url', 'nonsense') },
    });
    expect(loginOf(own)).toEqual([[`${URL_OF}_FILE`, 'authCache']]);
    const shared = { shared: { url: new Secret('redis://h:1') }, files: { REDIS_URL: at('missing') } };
    expect(loginOf(filesOf(shared))).toEqual([['REDIS_URL_FILE', undefined]]);
    write('password', '');
    expect(loginOf(withPassword())).toEqual([[`${PASSWORD}_FILE`, 'authCache']]);
  });

  it('are at fault when a URL file brings a password that stands beside it, too', () => {
    const files = filesOf({
      own: { url: new Secret('redis://app@h:1'), password: new Secret('p') },
      files: { [URL_OF]: write('url', 'redis://app:q@h:1') },
    });
    expect(loginOf(files)).toEqual([[PASSWORD, 'authCache']]);
  });
});

describe('A pipe in the place of a file', () => {
  it('holds nothing up: it has a print and is at fault', async () => {
    const pipe = at('pipe');
    execFileSync('mkfifo', [pipe]);
    const files = filesOf({
      own: { url: new Secret('rediss://app@host:1'), tlsCaFile: pipe },
      files: { [PASSWORD]: pipe },
    });
    expect(await files.print()).toBe('UNFIT UNFIT');
    const faults = [files.login(), files.tls({ host: 'host', port: 1, db: 0, tls: true })].flat();
    expect(faults).toMatchObject([
      { variable: `${PASSWORD}_FILE`, rule: 'names a file that is no regular file' },
      { variable: 'AUTH_CACHE_REDIS_TLS_CA_FILE', rule: 'names a file that is no regular file' },
    ]);
  });
});

describe('A change of files', () => {
  beforeEach(() => void write('password', 's3cret'));

  it('shows in their print: content, absence, and a link that leads elsewhere', async () => {
    const files = withPassword();
    const prints = [await files.print()];
    expect(await files.print()).toBe(prints[0]);
    write('password', 'another');
    prints.push(await files.print());
    rmSync(at('password'));
    prints.push(await files.print());
    for (const version of ['v1', 'v2']) {
      mkdirSync(at(version));
      write(join(version, 'password'), version);
      symlinkSync(version, at('..data_tmp'));
      renameSync(at('..data_tmp'), at('..data'));
      if (version === 'v1') symlinkSync(join('..data', 'password'), at('password'));
      prints.push(await files.print());
    }
    expect(new Set(prints).size).toBe(prints.length);
    expect(prints.join()).not.toContain('s3cret');
    rmSync(at('password'));
  });

  it('counts when nobody writes them any more', async () => {
    const clock = new WatchedClock();
    const files = withPassword();
    const known = await files.print();
    const result = { print: '' };
    write('password', 'hal');
    const settling = files.settledPrint(known, clock).then((print) => (result.print = print));
    await clock.waited(1);
    write('password', 'half a pass');
    clock.advance(150);
    await clock.waited(2);
    write('password', 'half a password');
    const whole = await files.print();
    clock.advance(150);
    await clock.waited(3);
    expect(result.print).toBe('');
    clock.advance(150);
    await settling;
    expect(result.print).toBe(whole);
  });

  it('is not waited for while there is none', async () => {
    const files = withPassword();
    const known = await files.print();
    expect(await files.settledPrint(known, new ManualClock())).toBe(known);
  });
});
