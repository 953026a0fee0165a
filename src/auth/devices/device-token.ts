import { randomBytes } from 'node:crypto';
import type { KeyRing } from '../../kernel/key-ring.js';
import { readSignedText, signText } from '../../kernel/signed-text.js';
import { isUuid } from '../../kernel/uuid.js';

const ID_BYTES = 16;
const BODY = /^dv1\.([\w-]+)\.([\w-]{22})$/;
const LONGEST_CHARS = 128;

/** `dv1.<user>.<device>.<mac>`: what a browser or an app shows to be the one that its owner logged in with. */
export interface DeviceToken {
  readonly userId: string;
  /** 22 characters, 128 random bits. */
  readonly deviceId: string;
}

export function newDeviceId(): string {
  return randomBytes(ID_BYTES).toString('base64url');
}

export function writeDeviceToken(ring: KeyRing, { userId, deviceId }: DeviceToken): string {
  return signText(ring, `dv1.${userId}.${deviceId}`);
}

/** @returns undefined for whatever was not written with this ring; Redis need not be asked about it */
export function readDeviceToken(ring: KeyRing, text: unknown): DeviceToken | undefined {
  const [, userId, deviceId] = BODY.exec(readSignedText(ring, text, LONGEST_CHARS) ?? '') ?? [];
  return !isUuid(userId) || deviceId === undefined ? undefined : { userId, deviceId };
}
