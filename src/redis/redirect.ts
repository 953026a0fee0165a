import { SLOTS } from './key-slot.js';

/** A node of a cluster answered that the slot is, or is about to be, somewhere else. Nothing was executed. */
export class RedirectError extends Error {
  constructor(
    /** `moved`: for good. `ask`: this command only, the slot is on its way. `tryagain`: its keys are on both sides. */
    readonly kind: 'moved' | 'ask' | 'tryagain',
    readonly slot: number | undefined,
    readonly host: string,
    readonly port: number,
  ) {
    super(kind);
    this.name = 'RedirectError';
  }
}

/** Reads `MOVED 3999 127.0.0.1:6381` and its like. The host is empty where the node does not know its own. */
export function readRedirect(message: string): RedirectError | undefined {
  if (message.startsWith('TRYAGAIN')) return new RedirectError('tryagain', undefined, '', 0);
  const match = /^(MOVED|ASK) (\d{1,5}) ([A-Za-z0-9._:-]{0,255}|\?):(\d{1,5})$/.exec(message.trim());
  if (!match) return undefined;
  const [slot, port] = [Number(match[2]), Number(match[4])];
  if (slot >= SLOTS || port === 0 || port > 65_535) return undefined;
  return new RedirectError(match[1] === 'MOVED' ? 'moved' : 'ask', slot, match[3] ?? '', port);
}
