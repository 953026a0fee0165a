import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { keysOf } from '../kernel/key-ring.js';
import { Secret } from '../kernel/redact.js';
import type { Fault } from './fault.js';
import { type Profile, isLocal } from './profile.js';

/** What an attacker has to guess; 256 bits, as NIST SP 800-107 asks of an HMAC-SHA-256 key. */
export const MIN_SECRET_BYTES = 32;

/** Lies in the working folder of a developer and is ignored by git. */
export const DEVELOPMENT_FILE = join('.bulkhead', 'secrets.json');

/**
 * A secret of the application itself, where none was given in a local profile: fixed in tests, and in development made
 * once and kept, so that a restart does not end every session. A demo keeps nothing, so it has new ones each time, unless
 * development has kept some in this folder: with its `.env` the demo works on its database.
 */
export function localSecret(name: string, profile: Profile): Secret {
  switch (profile) {
    case 'test':
      return new Secret(createHash('sha256').update(`test:${name}`).digest('base64url'));
    case 'development':
      return new Secret(keptSecret(name));
    case 'demo':
      return new Secret(knownSecret(name) ?? fresh());
    case 'staging':
    case 'production':
      return new Secret(fresh());
  }
}

/** Whether development has it from an earlier start, which a demo beside it uses as well. */
export function isKept(name: string, profile: Profile): boolean {
  return (profile === 'development' || profile === 'demo') && knownSecret(name) !== undefined;
}

export interface OwnSecret {
  readonly variable: string;
  readonly value: Secret | undefined;
  /** The value is several secrets, separated by commas. */
  readonly ring?: boolean;
  /** What to do about a fault of it; unset: give it a random value. */
  readonly remedy?: string | undefined;
}

const RANDOM = 'Give it a random value of its own, for instance of: openssl rand -base64 32';

/** Outside local profiles every own secret is given, long enough, and like no other. */
export function ownSecretFaults(secrets: readonly OwnSecret[], profile: Profile): Fault[] {
  if (isLocal(profile)) return [];
  const owners = new Map<string, string>();
  const faultOf = (variable: string, text: string, remedy: string): Fault[] => {
    const owner = owners.get(text);
    owners.set(text, owner ?? variable);
    if (owner === variable) return [{ variable, rule: 'has the same secret twice', remedy }];
    if (owner !== undefined) return [{ variable, rule: `has the same value as ${owner}`, remedy }];
    if (Buffer.byteLength(text) >= MIN_SECRET_BYTES) return [];
    return [{ variable, rule: `has fewer than ${MIN_SECRET_BYTES} bytes`, remedy }];
  };
  return secrets.flatMap(({ variable, value, ring, remedy = RANDOM }): Fault[] => {
    const texts = value && (ring ? keysOf(value) : [value.reveal()]);
    if (!texts?.length) return [{ variable, rule: `must be set in ${profile}`, remedy }];
    return texts.flatMap((text) => faultOf(variable, text, remedy));
  });
}

function fresh(): string {
  return randomBytes(MIN_SECRET_BYTES).toString('base64url');
}

function knownSecret(name: string): string | undefined {
  const known = readKept()[name];
  return typeof known === 'string' ? known : undefined;
}

function keptSecret(name: string): string {
  const known = knownSecret(name);
  if (known !== undefined) return known;
  const made = fresh();
  mkdirSync(dirname(DEVELOPMENT_FILE), { recursive: true });
  // Written beside and renamed: a second process never reads half a file.
  const draft = `${DEVELOPMENT_FILE}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify({ ...readKept(), [name]: made }, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, DEVELOPMENT_FILE);
  return made;
}

function readKept(): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(DEVELOPMENT_FILE, 'utf8')) as Record<string, unknown>;
  } catch {
    // Not there yet, or spoilt by hand: made anew, at the price of the sessions of one developer.
    return {};
  }
}
