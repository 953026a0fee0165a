import { type FeatureDatabase, getDatabaseToken } from '../../../src/database/index.js';
import { Administrators } from '../../../src/identity/index.js';
import { type Answer, Caller, textOf } from './caller.js';
import type { AuthHouse, Instance } from './house.js';

export const VERIFY_SUBJECT = 'Confirm your e-mail address';
export const RESET_SUBJECT = 'Choose a new password';

export interface Login {
  readonly access: string;
  readonly refresh: string;
  readonly sessionId: string;
  readonly tenantId: string;
  readonly deviceToken: string;
}

let people = 0;

/** Somebody with an address, a password and an account of theirs. */
export class Person extends Caller {
  password = 'lantern oyster hill';
  readonly email: string;
  userId = '';

  constructor(
    private readonly house: AuthHouse,
    instance: Instance = house.first,
  ) {
    super(instance);
    people += 1;
    this.email = `q${people}@example.org`;
  }

  /** With an account whose address is not confirmed. */
  static async registered(house: AuthHouse): Promise<Person> {
    const person = new Person(house);
    const answer = await person.register();
    if (answer.status !== 202) throw new Error(`register: ${answer.status} ${JSON.stringify(answer.body)}`);
    return person;
  }

  /** With an account whose address is confirmed. */
  static async verified(house: AuthHouse): Promise<Person> {
    const person = await Person.registered(house);
    const token = await house.mailedToken(person.email, VERIFY_SUBJECT);
    const answer = await person.post('/v1/auth/email/verify', { token });
    if (answer.status !== 200) throw new Error(`verify: ${answer.status} ${JSON.stringify(answer.body)}`);
    const { access } = await person.login();
    person.userId = textOf(await person.me(access), 'id');
    return person;
  }

  /** Whose logins from now on have the rights of an administrator. */
  static async administrator(house: AuthHouse): Promise<Person> {
    const person = await Person.verified(house);
    const { app } = house.first;
    const db = app.get<FeatureDatabase>(getDatabaseToken('identity'), { strict: false });
    const administrators = app.get(Administrators, { strict: false });
    await db.transaction((tx) => administrators.grant(tx, person.userId, 'test'));
    return person;
  }

  register(password = this.password): Promise<Answer> {
    return this.post('/v1/auth/register', { email: this.email, password });
  }

  attempt(fields: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    return this.post('/v1/auth/token', { email: this.email, password: this.password, ...fields });
  }

  async login(fields: Readonly<Record<string, unknown>> = {}): Promise<Login> {
    return loginOf(await this.attempt(fields));
  }

  refresh(token: string, fields: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    return this.post('/v1/auth/refresh', { refresh_token: token, ...fields });
  }

  me(access: string): Promise<Answer> {
    return this.get('/v1/auth/me', access);
  }

  /** Asks for a reset and takes the token out of the mail. Once per person: the newest mail is not told from older ones. */
  async resetToken(): Promise<string> {
    await this.post('/v1/auth/password/forgot', { email: this.email });
    return this.house.mailedToken(this.email, RESET_SUBJECT);
  }
}

export function loginOf(answer: Answer): Login {
  const { device_token: device } = answer.body;
  return {
    access: textOf(answer, 'access_token'),
    refresh: textOf(answer, 'refresh_token'),
    sessionId: textOf(answer, 'session_id'),
    tenantId: textOf(answer, 'tenant_id'),
    deviceToken: typeof device === 'string' ? device : '',
  };
}
