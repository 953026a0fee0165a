import { normalizeEmail } from '../../identity/index.js';
import type { StatusSettings } from '../status.config.js';
import { InvalidTargetError } from '../status.errors.js';
import type { Channel } from '../status.tables.js';
import { readTarget } from '../webhooks/webhook-target.js';

/** Where alerts go. */
export interface Target {
  readonly channel: Channel;
  /** As it was typed; alerts go there. */
  readonly text: string;
  /** Its one spelling, by which it is found. */
  readonly key: string;
}

/** Judges a target by its text; nothing is resolved or called. @throws InvalidTargetError */
export function targetOf(channel: Channel, text: string, settings: StatusSettings): Target {
  if (channel === 'email') {
    const address = normalizeEmail(text);
    if (!address) throw new InvalidTargetError('be an e-mail address');
    return { channel, text: address.email, key: address.key };
  }
  const { webhookPorts: ports, allowLoopback } = settings;
  const url = readTarget(text, { ports, allowLoopback });
  if (typeof url === 'string') throw new InvalidTargetError(url);
  return { channel, text: url.href, key: url.href };
}
