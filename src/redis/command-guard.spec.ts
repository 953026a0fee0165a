import { describe, expect, it } from 'vitest';
import { CommandGuard } from './command-guard.js';
import { COMMANDS, type CommandName, commandSpec } from './commands.js';
import { type Lane, PURPOSES, type PurposeDefinition } from './purposes.js';

const all: PurposeDefinition = {
  ...PURPOSES.billingEvents,
  commands: Object.keys(COMMANDS) as CommandName[],
};

const guardOf = (definition: PurposeDefinition = all, lane: Lane = 'command') =>
  new CommandGuard('billingEvents', definition, lane);

/** The refusal's text; undefined when the command may be sent. */
const judge = (line: readonly unknown[], lane: Lane = 'command'): string | undefined => {
  const [name, ...args] = line;
  return guardOf(all, lane).judge({ name: String(name), args })?.message;
};

const OWN = 'billing:a';
const OTHER = 'auth:a';
const bytes = (text: string): Buffer => Buffer.from(text);

describe('the keys of a command', () => {
  it.each([
    ['the first', ['get', OWN], ['get', OTHER]],
    ['the first, whatever follows', ['set', OWN, OTHER, 'EX', 5], ['set', OTHER, OWN]],
    ['the first of a stream', ['xadd', OWN, '*', 'f', OTHER], ['xadd', OTHER, '*', 'f', OWN]],
    ['all', ['del', OWN, 'billing:b'], ['del', OWN, OTHER]],
    ['all, the last too', ['mget', OWN, OWN, OWN], ['mget', OWN, OWN, OTHER]],
    ['the second', ['xgroup', 'create', OWN, 'g', '$'], ['xgroup', 'create', OTHER, 'g', '$']],
    ['the second of xinfo', ['xinfo', 'stream', OWN], ['xinfo', 'stream', OTHER]],
    ['those that are counted', ['eval', 'return 1', 2, OWN, OWN, OTHER], ['eval', 'return 1', 2, OWN, OTHER]],
    ['those that are counted in text', ['evalsha', 'x', '1', OWN, OTHER], ['evalsha', 'x', '1', OTHER]],
    [
      'half of what follows STREAMS',
      ['xread', 'STREAMS', OWN, OWN, 0, 0],
      ['xread', 'STREAMS', OWN, OTHER, 0, 0],
    ],
    [
      'behind STREAMS in any case and after options',
      ['xreadgroup', 'GROUP', 'g', OTHER, 'COUNT', 9, 'streams', OWN, '>'],
      ['xreadgroup', 'GROUP', 'g', OWN, 'COUNT', 9, 'streams', OTHER, '>'],
    ],
    ['in bytes', ['get', bytes(OWN)], ['get', bytes(OTHER)]],
    [
      'in bytes that are no text',
      ['get', Buffer.concat([bytes(OWN), Buffer.of(255, 0)])],
      ['get', Buffer.of(255)],
    ],
  ])('are judged: %s', (_, allowed, refused) => {
    expect(judge(allowed)).toBeUndefined();
    expect(judge(refused)).toContain('does not begin with billing:');
  });

  it.each([
    ['another namespace that begins alike', 'billingx:a'],
    ['the namespace without its colon', 'billing'],
    ['the namespace in upper case', 'BILLING:a'],
    ['the namespace behind a space', ' billing:a'],
    ['the namespace inside a hash tag', '{billing:}a'],
    ['an empty text', ''],
  ])('are refused: %s', (_, key) => {
    expect(judge(['get', key])).toContain('does not begin with billing:');
    expect(judge(['get', bytes(key)])).toContain('does not begin with billing:');
  });

  it('are refused when nothing follows the namespace', () => {
    expect(judge(['get', 'billing:'])).toContain('empty');
    expect(judge(['get', bytes('billing:')])).toContain('empty');
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 5],
    ['an object', {}],
  ])('are refused when the first is %s', (_, key) => {
    expect(judge(['get', key])).toContain('key is missing');
    expect(judge(['mget', OWN, key])).toContain('key is missing');
  });

  it.each(['get', 'xgroup', 'xinfo'])('are refused when %s has none', (name) => {
    expect(judge(name === 'get' ? [name] : [name, name === 'xinfo' ? 'stream' : 'create'])).toContain(
      'missing',
    );
  });

  it.each([
    'billing:undefined',
    'billing:{undefined}',
    'billing:u:undefined',
    'billing:undefined:x',
    'billing:{undefined}:x',
    'billing:null',
    'billing:NaN:x',
    'billing:[object Object]',
    'billing:{}:x',
    'billing:n:',
  ])('are refused when a variable was missing: %s', (key) =>
    expect(judge(['get', key])).toContain('never set'),
  );

  it('may be bytes of any kind behind the namespace', () => {
    for (let byte = 0; byte < 256; byte += 1) {
      const key = Buffer.concat([Buffer.from('billing:'), Buffer.from([58, byte, 58, 58, byte, 58])]);
      expect(judge(['get', key])).toBeUndefined();
    }
  });

  it.each([
    'billing:ip:2001:db8::7',
    'billing:undefinedness',
    'billing:is-undefined',
    'billing:x-undefined:y',
  ])('may hold what only looks like one: %s', (key) => expect(judge(['get', key])).toBeUndefined());
});

describe('a script', () => {
  it.each([
    ['no keys', 0],
    ['a negative number of keys', -1],
    ['half a key', 1.5],
    ['more keys than arguments', 3],
    ['a number that is none', 'x'],
    ['no number', undefined],
  ])('is refused with %s', (_, count) => {
    expect(judge(['eval', 'return 1', count, OWN])).toContain('must name its keys');
    expect(judge(['evalsha', 'sha', count, OWN])).toContain('must name its keys');
  });

  it('may be loaded, but not flushed, killed or looked for', () => {
    expect(judge(['script', 'load', 'return 1'])).toBeUndefined();
    expect(judge(['script', 'LOAD', 'return 1'])).toBeUndefined();
    for (const word of ['flush', 'kill', 'exists', 'debug', undefined]) {
      expect(judge(['script', word])).toContain('only load is granted');
    }
  });
});

describe('a command', () => {
  it.each(Object.keys(COMMANDS))('%s passes as its own proof on its own key', (name) => {
    for (const proof of commandSpec(name)?.proofs ?? []) {
      expect(judge([name, ...proof.map((word) => (word === '$' ? OWN : word))])).toBeUndefined();
    }
  });

  it('of the row passes in upper case too, as call() may send it', () => {
    expect(judge(['GET', OWN])).toBeUndefined();
    expect(judge(['GeT', OWN])).toBeUndefined();
    expect(judge(['GET', OTHER])).toContain('does not begin with billing:');
    expect(judge(['EVAL', 'return 1', 0])).toContain('must name its keys');
    expect(judge(['XGROUP', 'CREATE', OTHER, 'g', '$'])).toContain('does not begin with billing:');
  });

  it.each([
    'flushall',
    'keys',
    'scan',
    'config',
    'xread-group',
    'get ',
    '',
    '__proto__',
    'constructor',
    'toString',
  ])('that is not on the list is refused: %j', (name) =>
    expect(judge([name, OWN])).toContain('not on the list'),
  );

  it('of another row is refused although the table knows it', () => {
    const guard = guardOf(PURPOSES.rateLimit);
    expect(guard.judge({ name: 'xadd', args: ['rl:a', '*', 'f', 'v'] })?.message).toContain(
      'not on the list',
    );
    expect(guard.judge({ name: 'get', args: ['rl:a'] })).toBeUndefined();
  });

  it.each<unknown>([bytes('get'), ['get'], 5, undefined])('whose name is no text is refused', (name) => {
    const refusal = guardOf().judge({ name: name as string, args: [OWN] });
    expect(refusal?.message).toBe('COMMAND on billingEvents was not sent: the name of a command is a text.');
  });

  it.each(
    (
      'select auth hello reset quit monitor client readonly readwrite asking subscribe psubscribe ssubscribe ' +
      'unsubscribe punsubscribe sunsubscribe watch unwatch multi exec discard SELECT Auth MULTI'
    ).split(' '),
  )('that changes a shared connection is refused as such: %s', (name) => {
    expect(judge([name, OWN])).toContain('state of a connection');
  });

  it.each(['create', 'createconsumer', 'delconsumer', 'setid', 'destroy', 'CREATE'])(
    'xgroup %s passes',
    (word) => {
      expect(judge(['xgroup', word, OWN, 'g'])).toBeUndefined();
    },
  );

  it.each([
    ['xgroup', 'help'],
    ['xinfo', 'help'],
    ['xinfo', undefined],
  ])('%s %s is refused', (name, word) => {
    expect(judge([name, word, OWN])).toContain('is granted of it');
  });

  it('is refused with an error that names purpose and command, but no argument', () => {
    const error = guardOf().judge({ name: 'get', args: ['auth:s3cret'] });
    expect(error?.message).toBe('GET on billingEvents was not sent: its key does not begin with billing:.');
    expect(error).toMatchObject({ purpose: 'billingEvents', command: 'get', code: 'REDIS_ISOLATION' });
  });
});

describe('a read that may wait', () => {
  const read = (block: unknown) => ['xread', 'BLOCK', block, 'STREAMS', OWN, '$'];
  const groupRead = (block: unknown) => [
    'xreadgroup',
    'GROUP',
    'g',
    'c',
    'block',
    block,
    'STREAMS',
    OWN,
    '>',
  ];

  it.each([1, 5000, '5000'])('passes on the blocking lane for %s ms', (block) => {
    expect(judge(read(block), 'blocking')).toBeUndefined();
    expect(judge(groupRead(block), 'blocking')).toBeUndefined();
  });

  it.each([0, -1, 5001, 'x', undefined, Number.POSITIVE_INFINITY])('is refused there for %s ms', (block) => {
    expect(judge(read(block), 'blocking')).toContain('wants BLOCK from 1 to 5000 ms');
    expect(judge(groupRead(block), 'blocking')).toContain('wants BLOCK from 1 to 5000 ms');
  });

  it('is refused there without BLOCK', () => {
    expect(judge(['xread', 'STREAMS', OWN, '$'], 'blocking')).toContain('wants BLOCK');
  });

  it.each(['command', 'bulk'] as const)('is refused on the %s lane, however short', (lane) => {
    expect(judge(read(1), lane)).toContain('use the blocking lane');
    expect(judge(read(0), lane)).toContain('use the blocking lane');
    expect(judge(['XREAD', 'block', 1, 'STREAMS', OWN, '$'], lane)).toContain('use the blocking lane');
    expect(judge(['xread', 'COUNT', 9, 'STREAMS', OWN, '0'], lane)).toBeUndefined();
  });

  it('is the only thing on the blocking lane', () => {
    expect(judge(['get', OWN], 'blocking')).toContain('blocking reads only');
    expect(judge(['eval', 'return 1', 1, OWN], 'blocking')).toContain('blocking reads only');
    expect(judge(['time'], 'blocking')).toContain('blocking reads only');
  });

  it('is not mistaken for one by a stream that is called block', () => {
    expect(judge(['xread', 'STREAMS', 'billing:block', 'BLOCK'])).toBeUndefined();
  });

  it('is not mistaken for one by a group or consumer that is called as an option', () => {
    const named = ['xreadgroup', 'GROUP', 'streams', 'block', 'BLOCK', 100, 'STREAMS', OWN, '>'];
    expect(judge(named, 'blocking')).toBeUndefined();
    expect(judge(['xreadgroup', 'GROUP', 'block', '0', 'STREAMS', OWN, '>'])).toBeUndefined();
    expect(judge(['xreadgroup', 'GROUP', 'streams', OWN, 'STREAMS', OTHER, '>'])).toContain(
      'begin with billing:',
    );
  });

  it.each([
    ['NUL in STREAMS', ['STREAMS\0', OTHER, 0, 'STREAMS', OWN, 0]],
    ['NUL in BLOCK', ['BLOCK\0', 0, 'STREAMS', OWN, 0]],
    ['STREAMS in bytes', [bytes('STREAMS'), OTHER, 0]],
    ['BLOCK in bytes', [bytes('BLOCK'), 100, 'STREAMS', OWN, 0]],
    ['BLOCK twice', ['BLOCK', 100, 'block', 0, 'STREAMS', OWN, 0]],
    ['a key without an ID', ['BLOCK', 100, 'STREAMS', OWN, OTHER, 0]],
    ['no STREAMS', ['BLOCK', 100, OWN, 0]],
    ['an unknown option', ['CLAIM', 5, 'STREAMS', OWN, 0]],
    ['an option of every object', ['constructor', 'STREAMS', OWN, 0]],
  ])('is refused with %s, as what the server reads in it is unknown', (_, args) => {
    for (const lane of ['command', 'blocking'] as const) {
      expect(judge(['xread', ...args], lane)).toContain('cannot be told apart');
      expect(judge(['XREADGROUP', 'GROUP', 'g', 'c', ...args], lane)).toContain('cannot be told apart');
    }
  });

  it('may have its options behind GROUP', () => {
    const args = ['GROUP', 'g', 'c', 'COUNT', 9, 'NOACK', 'BLOCK', 100, 'STREAMS', OWN, '>'];
    expect(judge(['xreadgroup', ...args], 'blocking')).toBeUndefined();
  });

  it('says how long it waits', () => {
    const [, ...args] = read(2500);
    expect(guardOf(all, 'blocking').blockMs({ name: 'xread', args })).toBe(2500);
    expect(guardOf(all, 'blocking').blockMs({ name: 'XREAD', args })).toBe(2500);
    expect(guardOf(all, 'command').blockMs({ name: 'xread', args })).toBe(0);
    expect(guardOf(all, 'blocking').blockMs({ name: 'get', args: [OWN] })).toBe(0);
  });
});
