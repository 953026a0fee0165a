import type { FaultRow } from './fault-row.js';
import { killClients } from './site-admin.js';
import { CANARY, type Site, applicationRule } from './site.js';

/** Changes the application's user; like every change at run time it is gone after a restart of the server. */
const setUser = async ({ server, user }: Site, ...rules: string[]) =>
  void (await server.admin().call('ACL', 'SETUSER', user, ...rules));

/** What an operator can take from the application's user on the server. */
export const RIGHTS_FAULTS: readonly FaultRow[] = [
  {
    name: 'NOPERM at run time',
    family: 'rights',
    effect: 'lost',
    inject: (site) => setUser(site, '-set'),
    heal: (site) => setUser(site, '+set'),
    reasons: ['noperm'],
    // A script is stopped at the command that it may not call, not before it.
    unknownOutcomes: true,
  },
  {
    name: 'ACL user deleted',
    family: 'rights',
    effect: 'lost',
    // The server ends the connections of the user at once.
    inject: async ({ server, user }) => void (await server.admin().call('ACL', 'DELUSER', user)),
    heal: async (site) => {
      const [, user, ...rules] = applicationRule(site).split(' ');
      if (user !== site.user) throw new Error(`The rule of ${site.purpose} begins with another user`);
      await setUser(site, ...rules);
    },
    reasons: ['reset', 'auth'],
    unknownOutcomes: true,
  },
  {
    name: 'password changed on the server',
    family: 'rights',
    effect: 'lost',
    inject: async (site) => {
      await setUser(site, 'resetpass', '>something-else');
      await killClients(site);
    },
    heal: (site) => setUser(site, 'resetpass', `>${CANARY}`),
    reasons: ['reset', 'auth'],
    unknownOutcomes: true,
  },
];
