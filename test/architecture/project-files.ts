import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

const notOurs = new Set(['node_modules', 'dist', 'coverage', '.git', '.bulkhead']);

/** Every file below `folder`, as a path from `from` with forward slashes. */
export function filesBelow(folder: string, from = root): string[] {
  return readdirSync(join(from, folder), { withFileTypes: true }).flatMap((entry) => {
    if (notOurs.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path, from) : [relative('.', path).split(sep).join('/')];
  });
}

export const isTest = (file: string): boolean => /\.(?:spec|rig|test-d)\.ts$/.test(file);

export const read = (file: string): string => readFileSync(join(root, file), 'utf8');

export const lineCount = (file: string): number => read(file).replace(/\n$/, '').split('\n').length;

const globParts: Record<string, string> = { '**/': '(?:.+/)?', '**': '.*', '*': '[^/]*' };

/** The globs of this project are plain: `**` for any folders, `*` for anything within one name. */
export function globToRegExp(glob: string): RegExp {
  const text = glob.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${text.replace(/\*\*\/|\*\*|\*/g, (part) => globParts[part] ?? '')}$`);
}
