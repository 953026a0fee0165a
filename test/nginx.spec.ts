import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root } from './architecture/project-files.js';
import { removeTemporaryDirectory, temporaryDirectory } from './support/clean-up.js';
import { find } from './support/redis-binary.js';

const EXAMPLE = join(root, 'examples/nginx/bulkhead.conf');
const nginx = find('nginx', { PATH: `${process.env['PATH']}:/usr/sbin` });

describe('the nginx example', () => {
  let folder: string;
  beforeEach(() => {
    folder = temporaryDirectory('nginx');
  });
  afterEach(() => removeTemporaryDirectory(folder));

  const text = readFileSync(EXAMPLE, 'utf8');
  const stream =
    /location = \/v1\/billing\/stream \{(?<block>.*?)\n {2}\}/s.exec(text)?.groups?.['block'] ?? '';

  it('passes events on at once, over HTTP/1.1, and is silent for no longer than it waits', () => {
    expect(text).toContain('proxy_http_version 1.1;');
    expect(stream).toContain('proxy_buffering off;');
    const waitS = Number(/proxy_read_timeout (\d+)s;/.exec(stream)?.[1]);
    expect(waitS * 1000).toBeGreaterThan(2 * 15_000);
  });

  it.runIf(nginx)('is what nginx understands', () => {
    const whole = join(folder, 'nginx.conf');
    writeFileSync(
      whole,
      `pid ${folder}/pid; error_log ${folder}/log; events {} http { access_log off; include ${EXAMPLE}; }`,
    );
    const judge = () => execFileSync(nginx ?? '', ['-t', '-c', whole, '-p', folder], { stdio: 'pipe' });
    expect(judge).not.toThrow();
    writeFileSync(whole, `events {} http { proxy_bufering off; }`);
    expect(judge).toThrow(/unknown directive/);
  });
});
