import { dirname, posix } from 'node:path';
import { keptPackages, rooms, type PlacedRoom } from '../../scripts/floors.mjs';
import { globToRegExp, read } from './project-files.js';

/** All that a file imports: statements, lazy imports and the `import('…')` of a type, which no lint rule sees. */
const specifiers = (file: string): string[] =>
  [...read(file).matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^'\n]+)'/g)].map(([, specifier = '']) => specifier);

export const roomOf = (file: string): PlacedRoom | undefined =>
  rooms.find(({ folder }) => globToRegExp(`src/${folder}/**/*`).test(file));

/** `src/features/orders` for a file below it: the room of a pattern is one folder for each match. */
const homeOf = (file: string, room: PlacedRoom): string =>
  file
    .split('/')
    .slice(0, 1 + room.folder.split('/').length)
    .join('/');

function faultOf(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) {
    const kept = keptPackages.find(({ name }) => `${specifier}/`.startsWith(`${name}/`));
    return kept && !file.startsWith(`src/${kept.folder}/`) ? `kept by ${kept.folder}` : undefined;
  }
  const target = posix.join(dirname(file), specifier).replace(/\.js$/, '.ts');
  const from = roomOf(file);
  const to = roomOf(target);
  if (!to) return from ? 'outside the floors' : undefined;
  const isDoor = target === `${homeOf(target, to)}/index.ts`;
  if (from && homeOf(file, from) === homeOf(target, to)) return to.door && isDoor ? 'own door' : undefined;
  if (from && to.level >= from.level && !from.neighbours.includes(to.folder)) return 'not below';
  return to.door && !isDoor ? 'door bypassed' : undefined;
}

/** A second opinion on the floors, by resolved path instead of by pattern. */
export const importFaults = (file: string): string[] =>
  specifiers(file).flatMap((specifier) => {
    const fault = faultOf(file, specifier);
    return fault ? [`${file} -> ${specifier}: ${fault}`] : [];
  });
