import type { Redis } from 'ioredis';

/** A call of a command with keys in their places, as the server itself documents it. */
export interface Shape {
  /** `get`, or `xgroup|create` for a subcommand. */
  readonly command: string;
  readonly words: readonly string[];
  /** Whether the key that was asked for is among the words. */
  readonly keyed: boolean;
}

interface Argument {
  readonly type: string;
  readonly name: string;
  readonly token: string | undefined;
  readonly optional: boolean;
  readonly nested: readonly Argument[];
}

interface Documented {
  readonly command: string;
  readonly group: string;
  readonly args: readonly Argument[];
}

/** How a shape is put together: which of several alternatives, and whether options are used. */
interface Choice {
  readonly alternative: number;
  readonly options: boolean;
}

/** Where any word would do for the rights, but not for the syntax. */
const WORDS: Readonly<Record<string, string>> = { id: '1-1', script: 'return(1)' };

const CHOICES: readonly Choice[] = [
  { alternative: 0, options: false },
  { alternative: 1, options: false },
  { alternative: 2, options: false },
  { alternative: 0, options: true },
];

/** Every command and subcommand that the server knows. */
export async function documentedCommands(
  admin: Redis,
): Promise<{ top: readonly string[]; all: readonly Documented[] }> {
  const docs = pairs(await admin.call('COMMAND', 'DOCS'));
  const top = (await admin.call('COMMAND', 'LIST')) as string[];
  const all = [...docs].flatMap(([command, doc]) => documented(command, pairs(doc)));
  return { top, all };
}

function documented(command: string, doc: ReadonlyMap<string, unknown>): Documented[] {
  const subcommands = [...pairs(doc.get('subcommands'))];
  if (subcommands.length > 0) return subcommands.flatMap(([name, sub]) => documented(name, pairs(sub)));
  return [{ command, group: String(doc.get('group')), args: readArguments(doc.get('arguments')) }];
}

function readArguments(reply: unknown): Argument[] {
  return (Array.isArray(reply) ? reply : []).map((item) => {
    const argument = pairs(item);
    const token = argument.get('token');
    const flags = argument.get('flags');
    return {
      type: String(argument.get('type')),
      name: String(argument.get('name')),
      token: typeof token === 'string' ? token : undefined,
      optional: Array.isArray(flags) && flags.includes('optional'),
      nested: readArguments(argument.get('arguments')),
    };
  });
}

/** Calls of one command on `key`, each once. */
export function shapesOf({ command, args }: Documented, key: string): Shape[] {
  const name = command.split('|');
  const unique = new Map<string, Shape>();
  const add = (rest: readonly string[]): void => {
    const words = [...name, ...rest];
    unique.set(words.join('\0'), { command, words, keyed: words.includes(key) });
  };
  for (const choice of CHOICES) add(args.flatMap((argument) => wordsOf(argument, key, choice)));
  return [...unique.values()];
}

function wordsOf(argument: Argument, key: string, choice: Choice): string[] {
  const { type, name, token, optional, nested } = argument;
  if (optional && !choice.options) return [];
  // An empty token is a quoted nothing in the documentation, not a word to send.
  const head = token ? [token] : [];
  switch (type) {
    case 'key':
      return [...head, key];
    case 'oneof': {
      const chosen = nested[Math.min(choice.alternative, nested.length - 1)];
      return [...head, ...(chosen ? wordsOf(chosen, key, { ...choice, options: true }) : [])];
    }
    case 'block':
      return [...head, ...nested.flatMap((inner) => wordsOf(inner, key, choice))];
    case 'pure-token':
      return head;
    case 'pattern':
      return [...head, '*'];
    case 'integer':
    case 'double':
    case 'unix-time':
      return [...head, '1'];
    default:
      return [...head, WORDS[name] ?? 'x'];
  }
}

function pairs(reply: unknown): Map<string, unknown> {
  const list = Array.isArray(reply) ? (reply as unknown[]) : [];
  const map = new Map<string, unknown>();
  for (let index = 0; index + 1 < list.length; index += 2) map.set(String(list[index]), list[index + 1]);
  return map;
}
