import { SECRETS } from './house.js';

/** What the application wrote during a fault, counted. */
export interface LogVolume {
  /** Lines that a request causes: one each, whatever Redis does. */
  readonly requests: number;
  /** All other lines. */
  readonly others: number;
  readonly bytes: number;
  /** Lines that are not JSON: a stack, a warning of the runtime, a print that went past the logger. */
  readonly strays: readonly string[];
  readonly secrets: number;
}

export function volumeOf(text: string): LogVolume {
  const lines = text.split('\n').filter(Boolean);
  const messages = lines.map(messageOf);
  return {
    requests: messages.filter((message) => message === 'Request').length,
    others: messages.filter((message) => message !== 'Request').length,
    bytes: Buffer.byteLength(text),
    strays: lines.filter((_, index) => messages[index] === undefined),
    secrets: SECRETS.filter((secret) => text.includes(secret)).length,
  };
}

function messageOf(line: string): string | undefined {
  try {
    return String((JSON.parse(line) as { message?: unknown }).message);
  } catch {
    return undefined;
  }
}
