import { randomBytes } from 'node:crypto';
import type { KeyRing } from '../../kernel/key-ring.js';
import { readSignedText, signText } from '../../kernel/signed-text.js';

const FAMILY_BYTES = 16;
const SECRET_BYTES = 32;
/** A refresh each second for thirty years; beyond it a token is not ours. */
const BODY = /^rt1\.([\w-]{22})\.(0|[1-9]\d{0,8})\.([\w-]{43})$/;
const LONGEST_CHARS = 128;

/** One refresh token, `rt1.<family>.<generation>.<secret>.<mac>`, taken apart. */
export interface RefreshToken {
  /** As the client has it. */
  readonly text: string;
  /** Without its MAC, which is another one under another key of the ring. */
  readonly body: string;
  readonly familyId: string;
  /** The first one of a login is 0, and every successor one more. */
  readonly generation: number;
  /** 32 random bytes, base64url. Kept by the client alone: what is sealed under it, nobody else opens. */
  readonly secret: string;
}

/** 22 characters, 128 random bits. */
export function newFamilyId(): string {
  return randomBytes(FAMILY_BYTES).toString('base64url');
}

export function mintRefreshToken(ring: KeyRing, familyId: string, generation: number): RefreshToken {
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const body = `rt1.${familyId}.${generation}.${secret}`;
  return { text: signText(ring, body), body, familyId, generation, secret };
}

/** @returns undefined for whatever was not minted with this ring; Redis need not be asked about it */
export function readRefreshToken(ring: KeyRing, text: unknown): RefreshToken | undefined {
  const body = readSignedText(ring, text, LONGEST_CHARS);
  const parts = body === undefined ? null : BODY.exec(body);
  if (body === undefined || !parts) return undefined;
  const [, familyId = '', generation = '', secret = ''] = parts;
  return { text: String(text), body, familyId, generation: Number(generation), secret };
}
