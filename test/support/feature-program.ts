import { join } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '../..');

/**
 * Compiles the product with one module more, which exists only for the compiler: what a feature team would write.
 * An augmentation holds for the whole program it is compiled in, so it gets one of its own; beside the types it proves
 * that the product itself compiles with what it does not know.
 *
 * @returns every fault: the line of the feature, or the file of the product, and what is wrong with it
 */
export function faultsInFeature(name: string, text: string): string[] {
  // A folder that no team has: one of the same name would be part of the program.
  const feature = join(root, `src/features/.probe-${name}/${name}.module.ts`);
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
