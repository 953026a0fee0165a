import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { Secret } from '../../kernel/redact.js';
import { Metrics } from '../../telemetry/index.js';
import { LiveAccess } from '../live-access.js';
import { PURPOSES } from '../purposes.js';
import { PurposeSettings, RedisSettings } from '../redis.config.js';
import { AccessFiles } from './access-files.js';
import { FileReader } from './file-reader.js';
import { PurposeRotation } from './purpose-rotation.js';
import { RotationReport } from './rotation-report.js';

/** Of a drive that is away. Counts whoever asks, since each one that waits costs memory. */
class CountedReader extends FileReader<string> {
  constructor(private readonly asked: string[]) {
    super(() => new Promise(() => undefined));
  }

  override read(path: string): Promise<string> {
    this.asked.push(path);
    return super.read(path);
  }
}

/** A purpose whose folder does not answer. */
function rig() {
  const clock = new ManualClock();
  const said: string[] = [];
  const reads: string[] = [];
  const provider = { fetch: () => Promise.resolve({ password: 'token' }) };
  const own = Object.assign(new PurposeSettings(), { tlsCaFile: '/away/ca' });
  const files = new AccessFiles(
    {
      purpose: 'authCache',
      definition: PURPOSES.authCache,
      own,
      shared: Object.assign(new RedisSettings(), { url: new Secret('rediss://host:1') }),
      profile: 'test',
      provider,
    },
    { fileOf: (name) => (name === 'REDIS_URL' ? '/away/url' : undefined) },
    new CountedReader(reads),
  );
  const logger = { log: () => undefined, warn: (text: string) => said.push(text) };
  const access = new LiveAccess({}, {});
  const rotation = new PurposeRotation({
    source: {
      purpose: 'authCache',
      env: 'AUTH_CACHE_REDIS',
      source: 'REDIS_URL',
      address: 'rediss://host:1/0',
      aclOptions: '',
    },
    access,
    target: { host: 'host', port: 1, db: 0, tls: true },
    files,
    provider,
    userRequired: false,
    report: new RotationReport(new Metrics(), logger, clock),
    clock,
    rehearse: () => Promise.resolve({ kind: 'accepted' }),
    connected: () => false,
    relogin: () => Promise.resolve([]),
  });
  return { clock, said, reads, access, rotation };
}

describe('A folder that hangs', () => {
  it('ends no look late, is read once and named once', async () => {
    const { clock, said, reads, rotation } = rig();
    for (let times = 0; times < 20; times += 1) {
      const look = rotation.look(times % 2 === 0);
      await turn();
      clock.advance(4000);
      expect(await look).toBe(true);
    }
    expect(reads).toEqual(['/away/url']);
    expect(said).toEqual([
      'Keeping the credentials of authCache in use: REDIS_URL_FILE: names a file that cannot be read: ' +
        'its file system does not answer. See to the file system; the file is looked at as soon as it answers.',
    ]);
  });

  it('does not keep a connect from what the provider gives', async () => {
    const { access, rotation } = rig();
    void rotation.look();
    await turn();
    await rotation.prepare();
    expect(access.credentials.password?.reveal()).toBe('token');
  });
});
