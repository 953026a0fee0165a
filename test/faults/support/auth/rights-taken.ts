import type { FaultRow } from '../fault-row.js';

const COMMANDS = ['evalsha', 'eval', 'mget', 'get', 'unlink'];

/** What stores of accounts send first: a script that may begin would stop in the middle. */
export const RIGHTS_TAKEN: FaultRow = {
  name: 'NOPERM',
  family: 'rights',
  effect: 'lost',
  inject: async ({ server, user }) =>
    void (await server.admin().call('ACL', 'SETUSER', user, ...COMMANDS.map((name) => `-${name}`))),
  heal: async ({ server, user }) =>
    void (await server.admin().call('ACL', 'SETUSER', user, ...COMMANDS.map((name) => `+${name}`))),
  reasons: ['noperm'],
  unknownOutcomes: false,
};
