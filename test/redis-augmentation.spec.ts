import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
/** A file that exists only for the compiler: what a feature team would write. */
const feature = join(root, 'src/features/search/search.module.ts');

/**
 * An augmentation holds for the whole program it is compiled in, so it gets one of its own; beside the types it
 * proves that the product itself compiles with a purpose that it does not know.
 */
function faultsOf(text: string): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.build.json'), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const host = ts.createCompilerHost(options);
  const fileExists = host.fileExists.bind(host);
  const getSourceFile = host.getSourceFile.bind(host);
  host.fileExists = (path) => path === feature || fileExists(path);
  host.getSourceFile = (path, ...rest) =>
    path === feature ? ts.createSourceFile(path, text, rest[0]) : getSourceFile(path, ...rest);
  const program = ts.createProgram([feature, join(root, 'src/app.module.ts')], options, host);
  const own = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(join(root, 'src')));
  return own
    .flatMap((file) => program.getSemanticDiagnostics(file))
    .map(({ file, start = 0, messageText }) => {
      const line = text.split('\n')[file?.getLineAndCharacterOfPosition(start).line ?? 0];
      const place = file?.fileName === feature ? line?.trim() : file?.fileName;
      return `${place}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
}

const ROW = `
import { type BlockingRedis, InjectRedis, type Purpose, type PurposeDefinition, type PurposeRedis, RedisModule }
  from '../../redis/index.js';
const SEARCH = {
  env: 'SEARCH_REDIS', namespace: 'search', outage: 'closed', aclUser: 'advised', eviction: 'advise',
  persistence: 'none', replication: 'none', connectMs: 1000, lanes: { command: { commandMs: 250, silenceMs: 750 } },
  commands: ['get', 'set', 'mget'],
} as const satisfies PurposeDefinition;
declare module '../../redis/index.js' {
  interface RedisPurposeMap { search: typeof SEARCH }
}
export const name: Purpose = 'search';
export const modules = [RedisModule.forRoot({ purposes: { search: SEARCH } }), RedisModule.forPurpose('search')];
export const inject = InjectRedis('search');
`;

const USE = `
export const read = (client: PurposeRedis<'search'>): Promise<(string | null)[]> => client.mget('search:a');
export const none = (client: BlockingRedis<'search'>): never => client;
`;

const MISUSE = [
  "export const del = (client: PurposeRedis<'search'>): unknown => client.del('search:a');",
  "export const lane = InjectRedis('search', 'blocking');",
  "export const misspelt = InjectRedis('serach');",
];

describe('a purpose that a feature team adds', () => {
  it('has the commands and lanes of its row and no others, and the product compiles around it', () => {
    const faults = faultsOf(ROW + USE + MISUSE.join('\n'));
    expect(faults.map((fault) => fault.slice(0, fault.indexOf(';') + 1) || fault)).toEqual(MISUSE);
  });
});
