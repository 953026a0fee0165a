import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../architecture/project-files.js';

export interface OwnBuild {
  /** The entry of the command line; that of the application lies beside it. */
  readonly cli: string;
  readonly remove: () => void;
}

/**
 * A build for one test file, without a team's features: `dist` may be emptied and rebuilt by somebody else while its
 * tests run.
 */
export function createOwnBuild(name: string): OwnBuild {
  const home = join(root, '.bulkhead');
  mkdirSync(home, { recursive: true });
  const built = mkdtempSync(join(home, `${name}-`));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  // Types are judged by `npm run typecheck`; judging them here again would triple the time.
  const flags = ['-p', join(root, 'tsconfig.build.json'), '--noCheck', '--outDir', join(built, 'dist')];
  execFileSync(process.execPath, [tsc, ...flags]);
  // Tests of the house count its purposes, whatever a team has entered.
  writeFileSync(join(built, 'dist/app.features.js'), 'export const features = {};\n');
  cpSync(join(root, 'package.json'), join(built, 'package.json'));
  cpSync(join(root, 'src'), join(built, 'dist'), {
    recursive: true,
    filter: (path) => !path.endsWith('.ts'),
  });
  return {
    cli: join(built, 'dist/cli.js'),
    remove: () => rmSync(built, { recursive: true, force: true }),
  };
}
