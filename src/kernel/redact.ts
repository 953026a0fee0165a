import { inspect } from 'node:util';

const MASK = '***';

/** A value that cannot be printed: `String`, `JSON.stringify` and `inspect` all give `***`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The one way to the value. Call it at the point of use only. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}

const URL_CREDENTIALS = /\b([a-z][a-z0-9+.-]*:\/\/)([^\s/@]+(?:\/[^\s/@]+)*)@/gi;
const BEARER = /\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}/gi;
const KEY_VALUE =
  /\b(pass(?:word|wd)?|secret|token|api[-_]?key|authorization)(["']?\s*[:=]\s*["']?)[^\s"',;&]+/gi;

/** Masks credentials in free text: URLs with user info, Authorization values, `password=…` pairs. */
export function redactText(text: string): string {
  // Each pattern needs its marker; most texts have none, and looking for one costs far less than matching.
  let masked = text;
  if (masked.includes('@')) masked = masked.replace(URL_CREDENTIALS, `$1${MASK}@`);
  if (masked.includes(' ')) masked = masked.replace(BEARER, `$1 ${MASK}`);
  if (masked.includes(':') || masked.includes('=')) masked = masked.replace(KEY_VALUE, `$1$2${MASK}`);
  return masked;
}

/** Text of another's making as one harmless line: cut, and without characters that steer a terminal. */
export function printable(text: string, longest: number): string {
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  return text.slice(0, longest).replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}

const SENSITIVE_KEY = /pass(word|wd)?$|secret|token|authorization|cookie|api[-_]?key|^args$|^command$/i;

/**
 * Copies a value for printing: sensitive keys masked by name, texts by {@link redactText}. Errors are
 * reduced to name, message, code and stack, because a Redis error carries its command's arguments.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Secret) return MASK;
  if (value instanceof Date) return value;
  if (depth > 6) return '[deep]';
  if (value instanceof Error) return redactError(value, depth);
  if (Buffer.isBuffer(value)) return `[${value.length} bytes]`;
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    // Assigned, `__proto__` would become the copy's prototype.
    if (key === '__proto__') continue;
    copy[key] = item !== undefined && isSensitive(key) ? MASK : redact(item, depth + 1);
  }
  return copy;
}

/** Field names repeat line after line; the pattern is asked once for each. */
const verdicts = new Map<string, boolean>();
const MOST_VERDICTS = 1000;

function isSensitive(key: string): boolean {
  const known = verdicts.get(key);
  if (known !== undefined) return known;
  const sensitive = SENSITIVE_KEY.test(key);
  if (verdicts.size < MOST_VERDICTS) verdicts.set(key, sensitive);
  return sensitive;
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  const code: unknown = Reflect.get(error, 'code');
  return {
    name: error.name,
    message: redactText(error.message),
    ...(typeof code === 'string' ? { code } : {}),
    ...(error.stack ? { stack: redactText(error.stack) } : {}),
    ...(error.cause ? { cause: redact(error.cause, depth + 1) } : {}),
  };
}
