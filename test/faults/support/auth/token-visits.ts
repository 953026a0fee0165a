import { eq } from 'drizzle-orm';
import { type FeatureDatabase, getDatabaseToken } from '../../../../src/database/index.js';
import { statusSubscriptions } from '../../../../src/status/status.tables.js';
import { UnsubscribeLinks } from '../../../../src/status/subscriptions/unsubscribe-links.js';
import { Caller } from '../../../e2e/auth/caller.js';
import { Person, VERIFY_SUBJECT } from '../../../e2e/auth/person.js';
import type { AuthSites } from './sites.js';
import type { ReadyRequest, Visit } from './visit.js';

const SUBSCRIPTIONS = '/v1/status/subscriptions';
const CONFIRM_SUBJECT = 'Confirm your status alerts';
const INVITED_SUBJECT = 'You are invited';
/** What another claim of a token is told while the lease of one goes on whose answer was lost. */
export const IN_USE = 409;

let targets = 0;

async function subscription({ house }: AuthSites) {
  const caller = new Caller(house.first);
  const target = `alerts${(targets += 1)}@example.org`;
  const ask = () => caller.post(SUBSCRIPTIONS, { channel: 'email', target, severity: 'all' });
  return { caller, target, ask };
}

async function confirmation(scene: AuthSites): Promise<{ caller: Caller; token: string }> {
  const { caller, target, ask } = await subscription(scene);
  await ask();
  return { caller, token: await scene.house.mailedToken(target, CONFIRM_SUBJECT) };
}

/** What is mailed and works once, what a program signs, and what a link of a mail ends. */
export const TOKEN_VISITS: readonly Visit[] = [
  {
    endpoint: 'POST /v1/auth/register',
    countsFailClosed: true,
    prepare: async ({ house }) => {
      const person = new Person(house);
      return { send: () => person.register() };
    },
  },
  {
    endpoint: 'POST /v1/auth/email/send',
    countsFailClosed: true,
    prepare: async ({ house }) => {
      const person = await Person.registered(house);
      const { access } = await person.login();
      return { send: () => person.post('/v1/auth/email/send', undefined, access) };
    },
  },
  {
    endpoint: 'POST /v1/auth/email/verify',
    countsFailClosed: true,
    prepare: async ({ house }) => {
      const person = await Person.registered(house);
      const token = await house.mailedToken(person.email, VERIFY_SUBJECT);
      return { send: () => person.post('/v1/auth/email/verify', { token }) };
    },
  },
  {
    endpoint: 'POST /v1/auth/password/forgot',
    countsFailClosed: true,
    prepare: async ({ house }) => {
      const person = await Person.registered(house);
      return { send: () => person.post('/v1/auth/password/forgot', { email: person.email }) };
    },
  },
  {
    endpoint: 'POST /v1/auth/password/forgot',
    how: 'of nobody',
    countsFailClosed: true,
    prepare: async ({ house }) => {
      const person = new Person(house);
      return { send: () => person.post('/v1/auth/password/forgot', { email: person.email }) };
    },
  },
  {
    endpoint: 'POST /v1/auth/password/confirm',
    countsFailClosed: true,
    prepare: async ({ house }) => {
      const person = await Person.registered(house);
      const confirm = { token: await person.resetToken(), new_password: 'harbour violin moss' };
      return { send: () => person.post('/v1/auth/password/confirm', confirm) };
    },
  },
  {
    endpoint: 'POST /v1/invitations/accept',
    withoutNewData: 'reads',
    countsFailClosed: true,
    prepare: invitation,
  },
  {
    endpoint: 'POST /v1/service-accounts/token',
    countsFailClosed: true,
    prepare: async ({ program }) => {
      const signed = program.sign();
      // A nonce may be used up by the request that got no answer: programs sign anew. Where the server is another one, or
      // was one for a while, nobody knows which nonces were used, and the first to ask is told to sign later.
      const again = async () => {
        const answer = await program.send(program.sign());
        return answer.problem === 'replay-state-lost' ? program.send(program.sign()) : answer;
      };
      return { send: () => program.send(signed), again };
    },
  },
  {
    endpoint: 'POST /v1/status/subscriptions',
    prepare: async (scene) => ({ send: (await subscription(scene)).ask }),
  },
  {
    endpoint: 'POST /v1/status/subscriptions/verify',
    countsFailClosed: true,
    prepare: async (scene) => {
      const { caller, token } = await confirmation(scene);
      return { send: () => caller.post(`${SUBSCRIPTIONS}/verify`, { token }) };
    },
  },
  {
    endpoint: 'POST /v1/status/subscriptions/unsubscribe',
    prepare: async (scene) => {
      const { caller, token: consent } = await confirmation(scene);
      await caller.post(`${SUBSCRIPTIONS}/verify`, { token: consent });
      const { app } = scene.house.first;
      const db = app.get<FeatureDatabase>(getDatabaseToken('status'), { strict: false });
      const id = String(scene.house.events('status-confirm').at(-1)?.subscription_id);
      const [row] = await db.run((sql) =>
        sql.select().from(statusSubscriptions).where(eq(statusSubscriptions.id, id)),
      );
      if (!row) throw new Error('There is no subscription');
      const { token } = app.get(UnsubscribeLinks, { strict: false }).linkOf(row);
      return { send: () => caller.post(`${SUBSCRIPTIONS}/unsubscribe`, { token }) };
    },
  },
];

async function invitation({ house }: AuthSites): Promise<ReadyRequest> {
  const [owner, guest] = [await Person.verified(house), await Person.verified(house)];
  const { access, tenantId } = await owner.login();
  const wish = { email: guest.email, role: 'member' };
  const invited = await owner.post(`/v1/tenants/${tenantId}/invitations`, wish, access);
  if (invited.status !== 202) throw new Error(`invite: ${invited.status}`);
  const token = await house.mailedToken(guest.email, INVITED_SUBJECT);
  const login = await guest.login();
  return { send: () => guest.post('/v1/invitations/accept', { token }, login.access) };
}
