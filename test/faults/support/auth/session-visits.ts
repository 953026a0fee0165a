import type { Answer } from '../../../e2e/auth/caller.js';
import { OPS_TOKEN, PUBLIC_URL } from '../../../e2e/auth/house.js';
import { type Login, Person } from '../../../e2e/auth/person.js';
import type { AuthSites } from './sites.js';
import type { ReadyRequest, Visit } from './visit.js';

/** By somebody with an account and a login of their own: what one visit ends, another one does not miss. */
const byPerson =
  (ask: (person: Person, login: Login) => Promise<Answer>) =>
  async ({ house }: AuthSites): Promise<ReadyRequest> => {
    const person = await Person.registered(house);
    const login = await person.login();
    return { send: () => ask(person, login) };
  };

const byCookie =
  (path: string) =>
  async ({ house }: AuthSites): Promise<ReadyRequest> => {
    const person = await Person.registered(house);
    const answer = await person.attempt({ cookie: true });
    const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const headers = { cookie, origin: PUBLIC_URL };
    return { send: () => person.call(path, { body: {}, headers }) };
  };

/** Logging in, and what is done with a login. */
export const SESSION_VISITS: readonly Visit[] = [
  {
    endpoint: 'POST /v1/auth/token',
    prepare: byPerson((person) => person.attempt()),
  },
  {
    endpoint: 'POST /v1/auth/refresh',
    prepare: byPerson((person, { refresh }) => person.refresh(refresh)),
  },
  { endpoint: 'POST /v1/auth/refresh', how: 'by cookie', prepare: byCookie('/v1/auth/refresh') },
  {
    endpoint: 'POST /v1/auth/logout',
    withoutNewData: 'frees',
    alreadyDone: 401,
    prepare: byPerson((person, { access }) => person.post('/v1/auth/logout', undefined, access)),
  },
  {
    endpoint: 'POST /v1/auth/logout',
    how: 'by cookie',
    withoutNewData: 'frees',
    prepare: byCookie('/v1/auth/logout'),
  },
  {
    endpoint: 'POST /v1/auth/logout/others',
    withoutNewData: 'frees',
    prepare: byPerson((person, { access }) => person.post('/v1/auth/logout/others', undefined, access)),
  },
  {
    endpoint: 'POST /v1/auth/logout/all',
    withoutNewData: 'frees',
    alreadyDone: 401,
    recordFirst: true,
    prepare: byPerson((person, { access }) => person.post('/v1/auth/logout/all', undefined, access)),
  },
  {
    endpoint: 'GET /v1/auth/sessions',
    withoutNewData: 'reads',
    prepare: byPerson((person, { access }) => person.get('/v1/auth/sessions', access)),
  },
  {
    endpoint: 'DELETE /v1/auth/sessions/{id}',
    withoutNewData: 'frees',
    alreadyDone: 404,
    // Another one than the session that asks.
    prepare: async ({ house }) => {
      const person = await Person.registered(house);
      const [{ access }, { sessionId }] = [await person.login(), await person.login()];
      const path = `/v1/auth/sessions/${sessionId}`;
      return { send: () => person.call(path, { method: 'DELETE', token: access }) };
    },
  },
  {
    endpoint: 'GET /v1/auth/me',
    withoutNewData: 'reads',
    prepare: byPerson((person, { access }) => person.me(access)),
  },
  {
    endpoint: 'POST /v1/auth/introspect',
    withoutNewData: 'reads',
    prepare: byPerson((person, { access }) =>
      person.post('/v1/auth/introspect', { token: access }, OPS_TOKEN),
    ),
  },
  {
    endpoint: 'POST /v1/auth/tenant',
    withoutNewData: 'reads',
    prepare: byPerson((person, { access, tenantId }) =>
      person.post('/v1/auth/tenant', { tenant_id: tenantId }, access),
    ),
  },
  {
    endpoint: 'POST /v1/auth/password/change',
    prepare: byPerson((person, { access }) => {
      const passwords = { current_password: person.password, new_password: 'harbour violin moss' };
      return person.post('/v1/auth/password/change', passwords, access);
    }),
  },
  {
    endpoint: 'GET /.well-known/jwks.json',
    prepare: byPerson((person) => person.get('/.well-known/jwks.json')),
  },
];
