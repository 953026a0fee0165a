import { generateKeyPairSync } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeReal } from '../support/redis-availability.js';
import { AuthHouse } from './auth/house.js';
import { Operator, type Program, type Signed } from './service-accounts/program.js';
import { TRANSIT_KEY, VAULT_TOKEN, VaultFake, type VaultMood } from './service-accounts/vault-fake.js';

const AWAY = { status: 503, problem: 'dependency-unavailable' };
const UNSIGNED = { status: 401, problem: 'invalid-signature' };

describeReal('Service accounts that sign in Vault', () => {
  let vault: VaultFake;
  let house: AuthHouse;
  let operator: Operator;
  let program: Program;
  beforeAll(async () => {
    vault = await VaultFake.start();
    const env = {
      VAULT_ADDR: vault.address,
      VAULT_TOKEN_FILE: vault.tokenFile,
      VAULT_TRANSIT_KEY: TRANSIT_KEY,
      VAULT_TIMEOUT_MS: '500ms',
    };
    house = await AuthHouse.open({ env });
    operator = await Operator.of(house);
    program = await operator.program('vaulted', true);
  });
  afterAll(async () => {
    await house.close();
    await vault.stop();
  });
  beforeEach(() => {
    vault.mood = 'well';
  });

  const signed = (claims: Readonly<Record<string, unknown>> = {}): Signed => {
    const message = Buffer.from(JSON.stringify({ ...program.claims(), ...claims }));
    return {
      headers: {
        authorization: `Bearer ${vault.sign(message)}`,
        'x-vault-payload': message.toString('base64url'),
      },
      body: JSON.stringify(program.wish),
    };
  };
  const withSignature = ({ headers, body }: Signed, signature: string): Signed => ({
    headers: { ...headers, authorization: `Bearer ${signature}` },
    body,
  });

  it('get a token, once', async () => {
    const request = signed();
    expect((await program.send(request)).status).toBe(201);
    expect(await program.send(request)).toMatchObject({ status: 401, problem: 'replayed-nonce' });
  });

  it('get none for a signature of another key, another version, another message or a key of their own', async () => {
    const request = signed();
    const { privateKey } = generateKeyPairSync('ed25519');
    const message = Buffer.from(request.headers['x-vault-payload'] ?? '', 'base64url');
    const right = vault.sign(message);
    const wrong = [
      vault.sign(message, privateKey),
      vault.sign(Buffer.from('another')),
      right.replace('vault:v1:', 'vault:v2:'),
      program.sign().headers.authorization?.slice('Bearer '.length) ?? '',
    ];
    for (const signature of wrong)
      expect(await program.send(withSignature(request, signature))).toMatchObject(UNSIGNED);
    expect((await program.send(request)).status).toBe(201);
  });

  it('get none for a request that Vault has signed otherwise', async () => {
    for (const claims of [{ path: '/v1/other' }, { method: 'PUT' }, { aud: 'other' }, { sub: 'other' }])
      expect(await program.send(signed(claims))).toMatchObject(UNSIGNED);
  });

  it('are not asked of Vault for strangers and for accounts with a key', async () => {
    const before = vault.asked;
    const keyed = await operator.program('keyed');
    const message = Buffer.from(JSON.stringify(keyed.claims()));
    const headers = {
      authorization: `Bearer ${vault.sign(message)}`,
      'x-vault-payload': message.toString('base64url'),
    };
    expect(await keyed.send({ headers, body: JSON.stringify(keyed.wish) })).toMatchObject(UNSIGNED);
    expect(await program.send(signed({ account: 'stranger' }))).toMatchObject(UNSIGNED);
    expect(vault.asked).toBe(before);
  });

  it.each<VaultMood>([
    'hangs',
    'hangs-in-the-body',
    'refuses',
    'fails',
    'redirects',
    'talks-html',
    'floods',
    'drops',
  ])('are told 503 while Vault %s, and nothing is used up', async (mood) => {
    vault.mood = mood;
    const request = signed();
    const answer = await program.send(request);
    expect(answer).toMatchObject(AWAY);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(2);
    expect(answer.ms).toBeLessThan(5000);
    expect(JSON.stringify(answer.body)).not.toContain(vault.address);
    expect(vault.followed).toBe(0);
    vault.mood = 'well';
    expect((await program.send(request)).status).toBe(201);
  });

  it('do not keep others waiting while Vault hangs', async () => {
    vault.mood = 'hangs';
    const crowd = Array.from({ length: 60 }, () => program.send(signed()));
    const keyed = await operator.program('unhindered');
    expect((await keyed.send(keyed.sign())).status).toBe(201);
    const answers = await Promise.all(crowd);
    expect(new Set(answers.map(({ problem }) => problem))).toEqual(new Set(['dependency-unavailable']));
  });

  it('need a token file that can be read, and get on when it is there again', async () => {
    const request = signed();
    rmSync(vault.tokenFile);
    expect(await program.send(request)).toMatchObject(AWAY);
    writeFileSync(vault.tokenFile, VAULT_TOKEN);
    expect((await program.send(request)).status).toBe(201);
    expect(house.lines.join()).not.toContain(VAULT_TOKEN);
    expect(house.lines.join()).toContain('VAULT_TOKEN_FILE');
  });
});
