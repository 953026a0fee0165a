// @ts-check
/**
 * Writes `.oxlintrc.floors.json`, the import rules of every folder, from the list in `floors.mjs`.
 * `--check` writes nothing and fails when the file is not what would be written.
 *
 * The linter sees import paths as text, so each rule is written out per depth: from `src/redis/embedded/x.ts`
 * the config folder is `../../config`. A later override replaces an earlier one, hence one override per
 * folder and depth holds all its restrictions. Patterns are globs wherever "all but" is needed: the linter
 * drops a regular expression with a look-ahead without a word.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { deepest, environmentReaders, keptPackages, roof, rooms } from './floors.mjs';

const target = new URL('../.oxlintrc.floors.json', import.meta.url);

/** @typedef {import('./floors.mjs').PlacedRoom} PlacedRoom */
/** @typedef {{ group?: string[], regex?: string, importNames?: string[], message: string }} Pattern */

/**
 * Stands before the floors: once a glob list lets a path in (`!…`), the linter skips the patterns after it.
 * @type {Pattern}
 */
const crookedPath = {
  regex: '^\\./\\.\\./|[^./]/\\.\\./',
  message: 'Write the shortest path: one that goes down and up again would pass by the floors.',
};

/** @type {(room: PlacedRoom, up: string) => string} */
const entrance = (room, up) => `!${up}${room.folder}/${room.door ? 'index.js' : '**'}`;

/** @type {(rooms: PlacedRoom[]) => string} */
const list = (some) => some.map(({ folder, door }) => (door ? `${folder}/index.js` : folder)).join(', ');

/** @type {(place: string) => Pattern[]} */
function packageRules(place) {
  const foreign = keptPackages.filter(({ folder }) => !`${place}/`.startsWith(`${folder}/`));
  const homes = foreign.map(({ name, folder }) => `${name} in src/${folder}`).join(', ');
  return foreign.length === 0
    ? []
    : [
        {
          group: foreign.flatMap(({ name }) => [name, `${name}/**`]),
          message: `Some packages are imported in one folder only, types too: ${homes}.`,
        },
      ];
}

/** @type {(files: string) => Pattern[]} */
function environmentRules(files) {
  if (environmentReaders.some((glob) => files.startsWith(glob.replace('**', '')))) return [];
  return [
    {
      group: ['process', 'node:process'],
      importNames: ['default', 'env'],
      message: 'The environment is read in src/config only.',
    },
  ];
}

/** @type {(room: PlacedRoom, depth: number) => Pattern[]} */
function floorRules(room, depth) {
  const up = '../'.repeat(depth);
  const nearer = '../'.repeat(depth - 1);
  const below = rooms.filter(({ folder, level }) => level < room.level || room.neighbours.includes(folder));
  const outside = [`${up}**`, ...below.map((other) => entrance(other, up))];
  // The next feature is one step nearer than all other folders: ../b from src/features/a, not ../../b.
  if (room.folder.endsWith('/*')) outside.unshift(`${nearer}[a-z]*/**`);
  const rules = [
    crookedPath,
    {
      group: outside,
      message: `'${room.folder}' (floor ${room.level}) imports its own folder and: ${list(below) || 'nothing'}.`,
    },
  ];
  if (room.door) {
    rules.push({
      group: [`${nearer || './'}index.js`],
      message: `The door of '${room.folder}' is for outsiders: inside, import the file itself.`,
    });
  }
  return rules;
}

/** @type {(files: string, patterns: Pattern[]) => object} */
const override = (files, patterns) => ({
  files: [files],
  rules: { 'no-restricted-imports': ['error', { patterns }] },
});

/** A part of a room that keeps a package of its own gets the rules of that room, and the package. */
const areas = rooms.flatMap((room) => [
  { place: room.folder, room },
  ...[...new Set(keptPackages.map(({ folder }) => folder))]
    .filter((folder) => folder.startsWith(`${room.folder}/`))
    .map((place) => ({ place, room })),
]);

const roomOverrides = areas.flatMap(({ place, room }) => {
  const first = place.split('/').length;
  return Array.from({ length: deepest - first + 1 }, (_, step) => {
    const files = `src/${place}${'/*'.repeat(step)}/*.ts`;
    return override(files, [
      ...floorRules(room, first + step),
      ...packageRules(place),
      ...environmentRules(files),
    ]);
  });
});

const doors = rooms.filter(({ door }) => door);
const roofOverrides = roof.map((name) =>
  override(`src/${name}`, [
    crookedPath,
    {
      group: ['../**', ...doors.flatMap((room) => [`./${room.folder}/**`, entrance(room, './')])],
      message: `The roof imports from src only, and these through their door: ${list(doors)}.`,
    },
    ...packageRules(''),
    ...environmentRules(`src/${name}`),
  ]),
);

// One override per line: a changed rule is a changed line.
const lines = [...roomOverrides, ...roofOverrides].map((one) => JSON.stringify(one));
const generated = `{ "overrides": [\n${lines.join(',\n')}\n] }\n`;

if (!process.argv.includes('--check')) {
  writeFileSync(target, generated);
} else if (generated !== readFileSync(target, 'utf8')) {
  process.stderr.write(
    '.oxlintrc.floors.json is not what scripts/floors.mjs says: run node scripts/generate-lint-floors.mjs\n',
  );
  process.exit(1);
}
