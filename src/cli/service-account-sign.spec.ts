import { generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UsageError } from './cli-context.js';
import { type SignRequest, signForToken } from './service-account-sign.js';

const folder = mkdtempSync(join(tmpdir(), 'sign-'));
afterAll(() => rmSync(folder, { recursive: true }));

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const keyFile = join(folder, 'key.pem');
writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
const otherKeyFile = join(folder, 'rsa.pem');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
writeFileSync(otherKeyFile, rsa.export({ type: 'pkcs8', format: 'pem' }));

const publicKeyFile = join(folder, 'key.pub');
writeFileSync(publicKeyFile, publicKey.export({ type: 'spki', format: 'pem' }));

const request: SignRequest = {
  account: 'harvester',
  tenant: '00000000-0000-4000-8000-000000000000',
  keyFile,
  scopes: ['billing:read'],
  url: 'https://app.example.com',
  lifetimeMinutes: '10',
  send: false,
};

async function run(changes: Partial<SignRequest> = {}) {
  const printed = { out: '', err: '' };
  const output = {
    out: (text: string) => void (printed.out += text),
    err: (text: string) => void (printed.err += text),
  };
  return { code: await signForToken({ ...request, ...changes }, output), ...printed };
}

describe('signForToken', () => {
  it('prints a request whose signature covers what is said of it', async () => {
    const { code, out } = await run();
    const ready = JSON.parse(out) as { url: string; body: string; headers: Record<string, string> };
    const message = Buffer.from(ready.headers['x-vault-payload'] ?? '', 'base64url');
    const signature = Buffer.from(ready.headers.authorization?.split(':')[1] ?? '', 'base64url');
    expect(code).toBe(0);
    expect(ready.url).toBe('https://app.example.com/v1/service-accounts/token');
    expect(verify(null, message, publicKey, signature)).toBe(true);
    expect(JSON.parse(message.toString())).toMatchObject({
      ...(JSON.parse(ready.body) as object),
      method: 'POST',
      path: '/v1/service-accounts/token',
    });
  });

  it('never signs the same twice', async () => {
    expect((await run()).out).not.toBe((await run()).out);
  });

  it.each([
    ['a key that is not there', { keyFile: join(folder, 'absent') }],
    ['a key of another kind', { keyFile: otherKeyFile }],
    ['an address with a path', { url: 'https://app.example.com/v1' }],
    ['an address of another kind', { url: 'file:///etc/passwd' }],
    ['no whole number of minutes', { lifetimeMinutes: '1e1' }],
    ['too many minutes', { lifetimeMinutes: '61' }],
    ['an empty scope', { scopes: [''] }],
    ['an open network to send over', { url: 'http://app.example.com', send: true }],
  ])('does not take %s', async (_, changes) => {
    await expect(run(changes)).rejects.toThrow(UsageError);
  });

  it.each([
    ['cannot be read (ENOENT)', join(folder, 'absent')],
    ['cannot be read (EISDIR)', folder],
    ['holds a public key', publicKeyFile],
    ['must hold an Ed25519 private key', otherKeyFile],
  ])('says of a key file that it %s', async (words, file) => {
    await expect(run({ keyFile: file })).rejects.toThrow(`--key-file ${words}`);
  });

  it('says that nobody answered', async () => {
    const { code, err, out } = await run({ url: 'http://127.0.0.1:1', send: true });
    expect({ code, out }).toEqual({ code: 69, out: '' });
    expect(err).toContain('no answer');
  });
});
