import type { TokenKind } from './token-kinds.js';

/** A token that this request alone may use now, and what was issued with it. */
export interface Claim<Kind extends TokenKind = TokenKind> {
  /** Names this claim; asked for again, it is had again. */
  readonly id: string;
  readonly kind: Kind;
  /** Whom the token was issued for. */
  readonly subject: string;
  /** What was given when it was issued. */
  readonly data: Readonly<Record<string, string>>;
  /** Whether the token was issued for exactly this, such as an e-mail address; false where it was bound to nothing. */
  matchesBinding(text: string): boolean;
}
