import { createHmac, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Algorithm, type Version, hash, parseOptions, verify } from '@node-rs/argon2';
import { keysOf } from '../../kernel/key-ring.js';
import { HashQueue } from './hash-queue.js';
import { MOST_MEMORY_KIB, MOST_PASSES, PasswordSettings } from './password.config.js';
import { CredentialUnreadableError } from './password.errors.js';

/** Their values: the library's enums exist in its declarations only. */
const ARGON2ID: Algorithm.Argon2id = 2;
const VERSION_19: Version.V0x13 = 1;
const HASH_BYTES = 32;
const SALT_BYTES = 16;
/** More than any PHC string of ours; what is longer is not parsed. */
const MOST_PHC_LENGTH = 512;
const KEY_ID = /,keyid=([A-Za-z0-9+/]{8})(?=\$)/;

interface Pepper {
  readonly id: string;
  readonly secret: Buffer;
}

interface Costs {
  readonly memoryCost: number;
  readonly timeCost: number;
  readonly parallelism: number;
}

/**
 * argon2id (RFC 9106) with a pepper as its secret. The PHC string names the pepper (`keyid`), so that each check is one
 * hash however many peppers are in the ring: whoever measures sees no difference between accounts.
 *
 * Every hash takes a place in the queue, and only the text of a spelling (passwordSpelling) is given.
 */
@Injectable()
export class PasswordHasher {
  private readonly peppers: readonly Pepper[];
  private readonly costs: Costs;
  /** Nobody's password; takes as long as a new hash to check. */
  private readonly dummy: string;

  constructor(
    settings: PasswordSettings,
    private readonly queue: HashQueue,
  ) {
    this.peppers = keysOf(settings.pepper).map(pepperOf);
    this.costs = {
      memoryCost: settings.memoryKib,
      timeCost: settings.passes,
      parallelism: settings.lanes,
    };
    this.dummy = this.phcOf(randomBytes(SALT_BYTES), randomBytes(HASH_BYTES));
  }

  /**
   * @returns PHC string
   * @throws OverloadedError
   */
  async hash(password: string): Promise<string> {
    const { id, secret } = this.newest;
    const options = { ...this.costs, algorithm: ARGON2ID, outputLen: HASH_BYTES, secret };
    const phc = await this.queue.run(() => hash(password, options));
    return withKeyId(phc, id);
  }

  /**
   * @throws CredentialUnreadableError where the text is no hash of this class, or its pepper is not in the ring
   * @throws OverloadedError
   */
  async verify(phc: string, password: string): Promise<boolean> {
    const { secret } = this.pepperIn(phc);
    return await this.queue.run(() => verify(phc, password, { secret }));
  }

  /**
   * Takes as long as `verify` of an account whose hash has the present costs.
   *
   * @throws OverloadedError
   */
  async pretend(password: string): Promise<false> {
    await this.verify(this.dummy, password);
    return false;
  }

  /** Whether the costs or the pepper have changed since. Only for what `verify` could read. */
  isOutdated(phc: string): boolean {
    const { id } = this.pepperIn(phc);
    const { memoryCost, timeCost, parallelism } = parseOptions(phc);
    const { costs } = this;
    return (
      id !== this.newest.id ||
      memoryCost !== costs.memoryCost ||
      timeCost !== costs.timeCost ||
      parallelism !== costs.parallelism
    );
  }

  private get newest(): Pepper {
    return this.peppers[0] as Pepper;
  }

  private pepperIn(phc: string): Pepper {
    const id = isOurs(phc) ? KEY_ID.exec(phc)?.[1] : undefined;
    if (id === undefined) throw new CredentialUnreadableError('malformed');
    const pepper = this.peppers.find((candidate) => candidate.id === id);
    if (!pepper) throw new CredentialUnreadableError('unknown-pepper');
    return pepper;
  }

  private phcOf(salt: Buffer, digest: Buffer): string {
    const { memoryCost, timeCost, parallelism } = this.costs;
    const costs = `m=${memoryCost},t=${timeCost},p=${parallelism},keyid=${this.newest.id}`;
    return ['', 'argon2id', 'v=19', costs, unpadded(salt), unpadded(digest)].join('$');
  }
}

/** The name of a pepper tells nothing about it that helps to guess 32 random bytes. */
function pepperOf(key: string): Pepper {
  const secret = Buffer.from(key, 'utf8');
  const id = createHmac('sha256', secret).update('bulkhead\0password pepper').digest().subarray(0, 6);
  return { id: id.toString('base64'), secret };
}

function withKeyId(phc: string, id: string): string {
  const costs = phc.split('$')[3] ?? '';
  return phc.replace(costs, `${costs},keyid=${id}`);
}

/**
 * A text that was cut has another length of hash, and would only ever look like a wrong password. One that costs more
 * than this process should spend is not checked either.
 */
function isOurs(phc: string): boolean {
  if (phc.length > MOST_PHC_LENGTH) return false;
  try {
    const { algorithm, version, memoryCost, timeCost, outputLen, saltLen } = parseOptions(phc);
    const ours = algorithm === ARGON2ID && version === VERSION_19;
    const whole = outputLen === HASH_BYTES && saltLen === SALT_BYTES;
    return ours && whole && memoryCost <= MOST_MEMORY_KIB && timeCost <= MOST_PASSES;
  } catch {
    return false;
  }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
