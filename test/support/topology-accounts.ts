import { randomBytes } from 'node:crypto';

/**
 * What the servers of a topology may do with each other, by the least that works: the specs run on exactly these
 * rules, so a right that is missing here fails them.
 */
export const RIGHTS = {
  /** A replica on its primary: `masteruser`. It needs no key and no channel. */
  replication: 'resetkeys resetchannels -@all +psync +replconf',
  /** A Sentinel on the data servers: `sentinel auth-user`. */
  monitoring:
    'resetkeys resetchannels &__sentinel__:hello -@all +ping +info +publish +subscribe +client|setname ' +
    '+multi +exec +slaveof +config|rewrite +client|kill +script|kill',
  /** A Sentinel on the other Sentinels: `sentinel sentinel-user`. */
  peer:
    'resetkeys resetchannels &__sentinel__:hello -@all +ping +publish +client|setname ' +
    '+sentinel|is-master-down-by-addr',
  /** What MIGRATE does on the node that takes a slot over: `AUTH2`. In a cluster it sends SELECT 0 all the same. */
  migration: '~* resetchannels -@all +select +restore-asking',
} as const;

export interface Account {
  /** Undefined: the default user. */
  username: string | undefined;
  password: string;
}

export interface Access {
  /** Lines of the ACL file: those of the test and those of the topology. */
  acl: string[] | undefined;
  requirepass: string | undefined;
  /** The account for a role, or undefined where everybody may do everything. */
  account(role: keyof typeof RIGHTS): Account | undefined;
}

export interface AccessOptions {
  requirepass?: string | undefined;
  acl?: string[] | undefined;
}

/** With ACL lines, an account of its own for each role; with a password, that one for all. */
export function prepareAccess(options: AccessOptions, roles: (keyof typeof RIGHTS)[]): Access {
  const { requirepass, acl } = options;
  if (!acl) {
    const shared = requirepass === undefined ? undefined : { username: undefined, password: requirepass };
    return { acl, requirepass, account: () => shared };
  }
  const accounts = new Map(
    roles.map((role) => [role, { username: `test-${role}`, password: randomBytes(16).toString('hex') }]),
  );
  const lines = [...accounts].map(
    ([role, { username, password }]) => `user ${username} on >${password} ${RIGHTS[role]}`,
  );
  return { acl: [...acl, ...lines], requirepass, account: (role) => accounts.get(role) };
}

/** The settings of a replica that logs in to its primary. */
export function replicationLines(account: Account | undefined): string[] {
  if (!account) return [];
  const { username, password } = account;
  return [...(username ? [`masteruser ${username}`] : []), `masterauth ${JSON.stringify(password)}`];
}
