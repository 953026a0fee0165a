import type { Answer } from './caller.js';

/** Something that must not be found. */
export interface Canary {
  readonly name: string;
  readonly text: string;
  /** What opens something: it must be in no database. The others are personal: they may be in SQL, and not in Redis or logs. */
  readonly secret: boolean;
}

/** Where a canary might be, as bytes. */
export interface Haystack {
  readonly name: string;
  readonly bytes: Buffer;
}

const SECRET_FIELD = /(?:token|secret)$/;
/** Parts of tokens that are long enough to be random: ids of families and kinds are shorter, and may be seen. */
const RANDOM_PART_CHARS = 40;

/** Everything that was planted or handed out during a walk. */
export class Canaries {
  private readonly all = new Map<string, Canary>();

  plant(name: string, text: string, kind: 'secret' | 'personal' = 'secret'): string {
    this.all.set(text, { name, text, secret: kind === 'secret' });
    return text;
  }

  /** Tokens and keys of an answer, in its body and its cookies. */
  learn(path: string, { body, headers }: Answer): void {
    for (const [field, value] of Object.entries(body)) {
      if (SECRET_FIELD.test(field) && typeof value === 'string') this.token(`${path} ${field}`, value);
    }
    for (const cookie of headers.getSetCookie()) {
      const value = /^[^=]+=([^;]+);/.exec(cookie)?.[1];
      if (value !== undefined) this.token(`${path} cookie`, value);
    }
  }

  /** A token and its random parts, each as it is written and as the bytes that it stands for. */
  token(name: string, text: string): void {
    this.plant(name, text);
    for (const part of text.split('.').filter(({ length }) => length >= RANDOM_PART_CHARS))
      this.plant(`${name} (part)`, part);
  }

  list(which: 'all' | 'secrets' = 'all'): readonly Canary[] {
    return [...this.all.values()].filter(({ secret }) => secret || which === 'all');
  }

  /** @returns what was found where and in which form; never the canary itself */
  search(haystacks: readonly Haystack[], which: 'all' | 'secrets' = 'all'): string[] {
    return this.list(which).flatMap(({ name, text }) => {
      const forms = formsOf(text);
      return haystacks.flatMap((haystack) =>
        forms
          .filter(({ bytes }) => haystack.bytes.includes(bytes))
          .map(({ form }) => `${name} in ${haystack.name} (${form})`),
      );
    });
  }
}

interface Form {
  readonly form: string;
  readonly bytes: Buffer;
}

/** Each way in which a text may have been written down. */
export function formsOf(text: string): readonly Form[] {
  const raw = Buffer.from(text);
  const forms: [string, string | Buffer][] = [
    ['as it is', raw],
    ['hex', raw.toString('hex')],
    ['HEX', raw.toString('hex').toUpperCase()],
    ['percent', encodeURIComponent(text)],
    ...[0, 1, 2].flatMap((offset): [string, string][] => {
      const core = base64Core(raw, offset);
      const url = core.replaceAll('+', '-').replaceAll('/', '_');
      return [
        [`base64 +${offset}`, core],
        [`base64url +${offset}`, url],
      ];
    }),
  ];
  // The bytes that a random part stands for.
  if (/^[\w-]{43}$/.test(text)) {
    const bytes = Buffer.from(text, 'base64url');
    forms.push(['bytes', bytes], ['bytes in hex', bytes.toString('hex')]);
  }
  return forms.map(([form, bytes]) => ({ form, bytes: Buffer.from(bytes as Buffer) }));
}

/** What all base64 texts share that have these bytes inside, so many of other bytes modulo three before them. */
function base64Core(raw: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), raw]).toString('base64');
  const first = Math.ceil((offset * 8) / 6);
  const end = Math.floor(((offset + raw.length) * 8) / 6);
  return text.slice(first, end);
}
