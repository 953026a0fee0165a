import { Injectable } from '@nestjs/common';
import { KeyRing } from '../kernel/key-ring.js';
import { StatusSettings } from './status.config.js';
import type { Channel } from './status.tables.js';

/** Addresses, URLs and keys of subscribers as they lie in SQL: found by digests, read by whoever has STATUS_PII_KEYS. */
@Injectable()
export class SealedTargets {
  private readonly keys: KeyRing;

  constructor({ piiKeys }: StatusSettings) {
    this.keys = new KeyRing(piiKeys);
  }

  /** Of a target in its one spelling; the first is written, all may be found. */
  digests(channel: Channel, key: string): string[] {
    return this.keys.digests(`target ${channel}`, key);
  }

  seal(text: string): string {
    return this.keys.seal('subscriber', text);
  }

  /** @returns undefined where it was sealed under a key that is gone */
  open(sealed: string): string | undefined {
    return this.keys.open('subscriber', sealed);
  }
}
