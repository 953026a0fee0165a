import { randomBytes } from 'node:crypto';
import type { KeyRing } from '../kernel/key-ring.js';
import type { TokenKind, TokenKindRow } from './token-kinds.js';
import { readToken, writeToken } from './token-text.js';

/** 128 bits of a digest: enough for no two subjects to meet. */
const HANDLE_CHARS = 22;
const RANDOM_BYTES = 32;
const BODY = /^[\w-]{65}$/;

/** Where a token is kept. */
export interface TokenPlace {
  /** The tokens of its subject. */
  readonly key: string;
  /** Digests that it may be kept under, the newest ring secret first. */
  readonly digests: readonly string[];
}

/** What is kept with a token, sealed. */
export interface Kept {
  readonly subject: string;
  readonly data: Readonly<Record<string, string>>;
  /** Digest of what the token is bound to beside its subject. */
  readonly binding?: string;
}

/**
 * Everything of one kind that is made with its ring: texts of tokens, keys, digests, seals. Redis sees none of what went
 * in. A token's text carries the digest of its subject, so that all tokens of a subject lie under one key, and one
 * script ends the older ones.
 */
export class KindKeys {
  constructor(
    readonly kind: TokenKind,
    readonly row: TokenKindRow,
    private readonly ring: KeyRing,
  ) {}

  /** @returns a new token, its place and the digest to keep it under */
  mint(subject: string): { token: string; key: string; digest: string } {
    const [handle = ''] = this.handles(subject);
    const body = handle + randomBytes(RANDOM_BYTES).toString('base64url');
    const token = writeToken(this.ring, this.row.prefix, body);
    return { token, key: this.keyOf(handle), digest: this.ring.digest('token', body) };
  }

  /** @returns undefined for whatever is not a token of this kind; Redis need not be asked */
  find(token: unknown): TokenPlace | undefined {
    const body = readToken(this.ring, this.row.prefix, token);
    if (body === undefined || !BODY.test(body)) return undefined;
    return { key: this.keyOf(body.slice(0, HANDLE_CHARS)), digests: this.ring.digests('token', body) };
  }

  /** Where the tokens of a subject may be: one key for each secret of the ring, the newest first. */
  keysOf(subject: string): string[] {
    return this.handles(subject).map((handle) => this.keyOf(handle));
  }

  bind(subject: string, binding: string): string {
    return this.ring.digest('binding', `${subject}\0${binding}`);
  }

  isBound(subject: string, binding: string, digest: string): boolean {
    return this.ring.matches('binding', `${subject}\0${binding}`, digest);
  }

  /** @param digest of the token: what is sealed for one is nothing with another */
  seal(digest: string, kept: Kept): string {
    return this.ring.seal('kept', JSON.stringify([digest, kept]));
  }

  /** @returns undefined for what was not sealed for one of these digests */
  open(digests: readonly string[], sealed: string): Kept | undefined {
    const text = this.ring.open('kept', sealed);
    if (text === undefined) return undefined;
    const [digest, kept] = JSON.parse(text) as [string, Kept];
    return digests.includes(digest) ? kept : undefined;
  }

  private handles(subject: string): string[] {
    return this.ring.digests('subject', subject).map((digest) => digest.slice(0, HANDLE_CHARS));
  }

  private keyOf(handle: string): string {
    return `st:{${this.row.prefix}:${handle}}`;
  }
}
