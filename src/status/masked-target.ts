import type { Channel } from './status.tables.js';

const HIDDEN = '***';

/** Enough for whoever knows a target to tell it from others, and no more: the path of a URL is often a credential. */
export function maskedTarget(channel: Channel, target: string | undefined): string {
  if (target === undefined) return HIDDEN;
  if (channel === 'webhook') return URL.canParse(target) ? `${new URL(target).origin}/${HIDDEN}` : HIDDEN;
  const at = target.lastIndexOf('@');
  const [first = ''] = target.slice(0, at);
  return at > 0 ? `${first}${HIDDEN}${target.slice(at)}` : HIDDEN;
}
