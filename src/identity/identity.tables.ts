import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';

const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });
/** The order in which rows were made; their moments may be the same. */
const sequence = () => bigint({ mode: 'number' }).notNull().generatedAlwaysAsIdentity();
const createdAt = () =>
  moment('created_at')
    .notNull()
    .default(sql`now()`);

export const users = pgTable(
  'users',
  {
    id: uuid().primaryKey(),
    /** As it was typed; mails go there. */
    email: text().notNull(),
    /** The one spelling (NFC, lower case), by which an account is found. */
    emailKey: text('email_key').notNull(),
    emailVerifiedAt: moment('email_verified_at'),
    disabledAt: moment('disabled_at'),
    /** Grows when every session ends at once; sessions and access tokens carry the one they began under. */
    tokenEpoch: integer('token_epoch').notNull().default(1),
    /** Grows when every device that the user has logged in with becomes a stranger. */
    deviceEpoch: integer('device_epoch').notNull().default(1),
    /** Grows when failed logins so far count for nothing; 1 is what addresses without an account have as well. */
    lockoutEpoch: integer('lockout_epoch').notNull().default(1),
    createdAt: createdAt(),
  },
  (table) => [uniqueIndex('users_email_key').on(table.emailKey)],
);

/** One password per user. Apart from `users`, so that nothing that lists users reads it by accident. */
export const credentials = pgTable('credentials', {
  userId: uuid('user_id')
    .primaryKey()
    .references(() => users.id, { onDelete: 'cascade' }),
  /** PHC string of argon2id. */
  phc: text().notNull(),
  changedAt: moment('changed_at')
    .notNull()
    .default(sql`now()`),
});

export const passwordHistory = pgTable(
  'password_history',
  {
    id: uuid().primaryKey(),
    sequence: sequence(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    phc: text().notNull(),
    createdAt: createdAt(),
  },
  (table) => [index('password_history_user').on(table.userId, table.sequence)],
);

export const tenants = pgTable('tenants', {
  id: uuid().primaryKey(),
  name: text().notNull(),
  /** Made together with its only user. */
  personal: boolean().notNull().default(false),
  createdAt: createdAt(),
});

export const ROLES = ['owner', 'admin', 'member'] as const;
export type Role = (typeof ROLES)[number];

export const memberships = pgTable(
  'memberships',
  {
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    role: text({ enum: ROLES }).notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.userId] }),
    index('memberships_user').on(table.userId),
  ],
);

export const invitations = pgTable(
  'invitations',
  {
    id: uuid().primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    emailKey: text('email_key').notNull(),
    role: text({ enum: ROLES }).notNull(),
    invitedBy: uuid('invited_by').references(() => users.id, { onDelete: 'set null' }),
    expiresAt: moment('expires_at').notNull(),
    acceptedAt: moment('accepted_at'),
    createdAt: createdAt(),
  },
  (table) => [index('invitations_tenant').on(table.tenantId)],
);

/** Those who may administer the whole installation; scopes beyond any tenant. */
export const administrators = pgTable('administrators', {
  userId: uuid('user_id')
    .primaryKey()
    .references(() => users.id, { onDelete: 'cascade' }),
  createdAt: createdAt(),
});

/** Tiers of 20 failures and more, so that a flushed Redis does not hand out a hundred new guesses. */
export const lockouts = pgTable('lockouts', {
  /** Keyed digest of what the lockout calls the account: kept for unknown accounts as well. */
  accountDigest: text('account_digest').primaryKey(),
  failures: integer().notNull(),
  /** Undefined: held until a reset or an administrator lifts it. */
  lockedUntil: moment('locked_until'),
  /** Nobody had the address, so that nobody can lift it either. Also of releases that did not say it, whose names are not asked for. */
  nobodys: boolean().notNull().default(true),
  updatedAt: moment('updated_at').notNull(),
});

export const serviceAccounts = pgTable(
  'service_accounts',
  {
    id: uuid().primaryKey(),
    /** What a signed request calls it. */
    name: text().notNull(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id, { onDelete: 'cascade' }),
    scopes: jsonb().$type<string[]>().notNull(),
    /** Ed25519, SPKI PEM; undefined: signed by Vault Transit. */
    publicKey: text('public_key'),
    disabledAt: moment('disabled_at'),
    tokenEpoch: integer('token_epoch').notNull().default(1),
    createdAt: createdAt(),
  },
  (table) => [uniqueIndex('service_accounts_name').on(table.name)],
);

export const serviceAccountTokens = pgTable(
  'service_account_tokens',
  {
    jti: uuid().primaryKey(),
    sequence: sequence(),
    accountId: uuid('account_id')
      .notNull()
      .references(() => serviceAccounts.id, { onDelete: 'cascade' }),
    scopes: jsonb().$type<string[]>().notNull(),
    issuedAt: moment('issued_at').notNull(),
    expiresAt: moment('expires_at').notNull(),
    revokedAt: moment('revoked_at'),
  },
  (table) => [index('service_account_tokens_account').on(table.accountId, table.sequence)],
);

/** What an investigation asks for later: theft of a refresh token, a lock, an administrator's act. No address, no token. */
export const securityEvents = pgTable(
  'security_events',
  {
    id: uuid().primaryKey(),
    sequence: sequence(),
    userId: uuid('user_id').references(() => users.id, { onDelete: 'cascade' }),
    kind: text().notNull(),
    /** Ids and reasons only. */
    facts: jsonb().$type<Record<string, string | number | boolean>>().notNull(),
    createdAt: createdAt(),
  },
  (table) => [index('security_events_user').on(table.userId, table.sequence)],
);
