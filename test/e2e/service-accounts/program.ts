import { type KeyObject, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import {
  type SignedClaims,
  TOKEN_PATH,
  type TokenWish,
  claimsFor,
} from '../../../src/auth/service-accounts/signed-request.js';
import { type Answer, Caller, newAddress, textOf } from '../auth/caller.js';
import type { AuthHouse, Instance } from '../auth/house.js';
import { Person } from '../auth/person.js';

/** The default of SECURITY_TOKEN_NONCE_SKEW_MS: what is signed so far ahead need not wait after a loss of nonces. */
export const SKEW_MS = 30_000;

export interface Signed {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Changes {
  /** In place of what a request for the wish would say. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly wish?: Partial<TokenWish>;
  readonly key?: KeyObject;
}

/** An administrator, and the programs of a tenant. */
export class Operator {
  private constructor(
    readonly person: Person,
    readonly access: string,
    readonly tenantId: string,
  ) {}

  static async of(house: AuthHouse): Promise<Operator> {
    const person = await Person.administrator(house);
    const { access, tenantId } = await person.login();
    return new Operator(person, access, tenantId);
  }

  add(fields: Readonly<Record<string, unknown>>): Promise<Answer> {
    return this.person.post('/v1/service-accounts', { tenant_id: this.tenantId, ...fields }, this.access);
  }

  call(method: string, path: string): Promise<Answer> {
    return this.person.call(path, { method, token: this.access });
  }

  /** @param ofVault without a key of its own */
  async program(name: string, ofVault = false): Promise<Program> {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const scopes = ['billing:read', 'status:manage', 'tokens:introspect'];
    const answer = await this.add({ name, scopes, ...(ofVault ? {} : { public_key: pem }) });
    if (answer.status !== 201) throw new Error(`add: ${answer.status} ${JSON.stringify(answer.body)}`);
    return new Program(this.person.instance, { name, privateKey, operator: this, id: textOf(answer, 'id') });
  }
}

interface Account {
  readonly id: string;
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly operator: Operator;
}

/** Somebody with the key of a service account. */
export class Program extends Caller {
  readonly wish: TokenWish;

  constructor(
    instance: Instance,
    readonly account: Account,
  ) {
    super(instance);
    const { name, operator } = account;
    this.wish = {
      account: name,
      tenant_id: operator.tenantId,
      scopes: ['billing:read'],
      lifetime_minutes: 5,
    };
  }

  claims(wish: TokenWish = this.wish, nowMs = Date.now() + SKEW_MS): SignedClaims {
    const line = { method: 'POST', path: TOKEN_PATH, body: JSON.stringify(wish) };
    return claimsFor(wish, line, { nowMs, lifeMs: 300_000, nonce: randomBytes(24).toString('base64url') });
  }

  sign({ claims = {}, wish = {}, key = this.account.privateKey }: Changes = {}): Signed {
    const asked = { ...this.wish, ...wish };
    const message = Buffer.from(JSON.stringify({ ...this.claims(asked), ...claims }));
    const signature = sign(null, message, key).toString('base64url');
    return {
      headers: {
        authorization: `Bearer ed25519:${signature}`,
        'x-vault-payload': message.toString('base64url'),
      },
      body: JSON.stringify(asked),
    };
  }

  send({ headers, body }: Signed, path = TOKEN_PATH, method = 'POST'): Promise<Answer> {
    // From ever another network: what is tested is not the limit that every route has.
    return this.call(path, { method, headers: { 'x-forwarded-for': newAddress(), ...headers }, body });
  }

  async token(wish: Partial<TokenWish> = {}): Promise<{ access: string; jti: string }> {
    const answer = await this.send(this.sign({ wish }));
    return { access: textOf(answer, 'access_token'), jti: textOf(answer, 'jti') };
  }
}
