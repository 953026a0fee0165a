import type { SecurityTokenPeppers } from './security-tokens.config.js';

/**
 * The one-time tokens that exist. A kind is a row, as a policy is: how long it lives, how it begins, and which ring its
 * digests are made with. A token of one kind is nothing in another.
 */
export interface TokenKindRow {
  /** First part of a token's text, and of its key. Unlike every other; letters only. */
  readonly prefix: string;
  readonly ttlMs: number;
  readonly pepper: keyof SecurityTokenPeppers;
  /** Tokens of one subject that are valid at once. A newer one ends the oldest beyond it. */
  readonly valid: number;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const TOKEN_KINDS = {
  emailVerification: { prefix: 'ev', ttlMs: 60 * MINUTE_MS, pepper: 'emailVerification', valid: 1 },
  passwordReset: { prefix: 'pr', ttlMs: 30 * MINUTE_MS, pepper: 'passwordReset', valid: 1 },
  statusConfirm: { prefix: 'sa', ttlMs: 24 * HOUR_MS, pepper: 'statusConfirm', valid: 1 },
  webhookChallenge: { prefix: 'sc', ttlMs: HOUR_MS, pepper: 'webhookChallenge', valid: 1 },
  // Several windows of one user open their streams at the same moment.
  streamTicket: { prefix: 'tk', ttlMs: 30 * SECOND_MS, pepper: 'streamTicket', valid: 8 },
  invitation: { prefix: 'iv', ttlMs: 7 * DAY_MS, pepper: 'invitation', valid: 1 },
} as const satisfies Record<string, TokenKindRow>;

export type TokenKind = keyof typeof TOKEN_KINDS;
