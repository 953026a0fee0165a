import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterEach, expect, it } from 'vitest';
import { type AccessApp, EpochLedger, type Login, logIn, openAccessApp } from './access.rig.js';
import { withEngine } from './support/engine.js';

const OLD = 'A'.repeat(43);
const NEW = `${'B'.repeat(42)}A`;

withEngine('Signing keys', (engine) => {
  const ledger = new EpochLedger();
  const open: AccessApp[] = [];
  const instance = async (ring: string): Promise<AccessApp> => {
    const env = { AUTH_CACHE_REDIS_URL: `redis://127.0.0.1:${engine.port}`, AUTH_SIGNING_KEYS: ring };
    const access = await openAccessApp({ env, ledger });
    open.push(access);
    return access;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map(({ app }) => app.close()));
  });

  /** Every token that there is, shown to every instance; and one more from each. @returns requests that were refused */
  async function refused(fleet: readonly AccessApp[], logins: Login[]): Promise<number> {
    for (const access of fleet) logins.push(await logIn(access, { userId: ledger.newUser() }));
    const answers = await Promise.all(
      fleet.flatMap((access) => logins.map(({ authorization }) => access.get('/v1/probe/me', authorization))),
    );
    return answers.filter(({ statusCode }) => statusCode !== 200).length;
  }

  it('are replaced instance by instance, in three rollouts, without a request that fails', async () => {
    const logins: Login[] = [];
    let fleet = [await instance(OLD), await instance(OLD)];
    let refusals = await refused(fleet, logins);
    for (const ring of [`${OLD},${NEW}`, `${NEW},${OLD}`]) {
      for (const at of [0, 1]) {
        fleet = fleet.with(at, await instance(ring));
        refusals += await refused(fleet, logins);
      }
    }
    expect(refusals).toBe(0);
    // The tokens under the old key have expired when it goes.
    const young = logins.filter(
      ({ authorization }) => kidOf(authorization) === kidOf(logins.at(-1)?.authorization),
    );
    expect(young.length).toBeGreaterThanOrEqual(3);
    for (const at of [0, 1]) {
      fleet = fleet.with(at, await instance(NEW));
      refusals += await refused(fleet, young);
    }
    expect(refusals).toBe(0);
  });

  it('put in front at once are refused by instances that do not have them yet', async () => {
    const fleet = [await instance(`${NEW},${OLD}`), await instance(OLD)];
    expect(await refused(fleet, [])).toBe(1);
  });

  it('are published, so that others verify by them', async () => {
    const access = await instance(`${NEW},${OLD}`);
    await access.app.listen(0, '127.0.0.1');
    const { port } = access.app.getHttpServer().address() as { port: number };
    const jwks = createRemoteJWKSet(new URL(`http://127.0.0.1:${port}/.well-known/jwks.json`));
    const { authorization, userId } = await logIn(access, { userId: ledger.newUser() });
    const { payload } = await jwtVerify(authorization.slice(7), jwks, {
      typ: 'at+jwt',
      audience: 'bulkhead-api',
    });
    expect(payload.sub).toBe(userId);
  });

  it('are told once in five minutes to whoever keeps them', async () => {
    const { app } = await instance(`${NEW},${OLD}`);
    const url = '/.well-known/jwks.json';
    const answer = await app.inject({ url });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/jwk-set+json; charset=utf-8',
      'cache-control': 'public, max-age=300',
    });
    expect(answer.json<{ keys: object[] }>().keys).toHaveLength(2);
    const etag = String(answer.headers.etag);
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const again = await app.inject({ url, headers: { 'if-none-match': known } });
      expect([known, again.statusCode, again.body, again.headers.etag]).toEqual([known, 304, '', etag]);
    }
    for (const other of ['"x"', '', etag.slice(1, -1)])
      expect((await app.inject({ url, headers: { 'if-none-match': other } })).statusCode).toBe(200);
    const { app: older } = await instance(OLD);
    expect((await older.inject({ url })).headers.etag).not.toBe(etag);
  });
});

function kidOf(authorization = ''): string {
  const [header = ''] = authorization.slice(7).split('.');
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }).kid;
}
