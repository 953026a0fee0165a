// @ts-check
/**
 * The floors of the house, from the ground up: the one list behind the import rules.
 * A file imports its own folder and lower floors only; folders on one floor are strangers.
 * A folder with a door is entered through its `index.ts`, and nobody inside uses that door.
 *
 * After a change here: `node scripts/generate-lint-floors.mjs`, which rewrites `.oxlintrc.floors.json`.
 *
 * @typedef {object} Room
 * @property {string} folder path below `src`
 * @property {boolean} door whether outsiders must come in through `index.ts`
 * @property {readonly string[]} neighbours folders of the same floor that may be imported all the same
 *
 * @typedef {Room & { level: number }} PlacedRoom
 */

/** @type {(folder: string, neighbours?: string[]) => Room} */
const open = (folder, neighbours = []) => ({ folder, door: false, neighbours });
/** @type {(folder: string, neighbours?: string[]) => Room} */
const door = (folder, neighbours = []) => ({ folder, door: true, neighbours });

/** @type {readonly (readonly Room[])[]} */
export const floors = [
  [open('kernel')],
  [door('config'), door('telemetry', ['config'])],
  [
    door('redis'),
    door('queue', ['redis']),
    door('database', ['queue']),
    door('mail', ['database', 'queue']),
    door('http'),
  ],
  [door('rate-limit')],
  [door('access', ['identity']), door('security-tokens'), door('identity')],
  [open('auth'), open('billing'), open('status'), open('features/*')],
  [open('health'), open('cli'), open('console')],
];

/** Files that may stand directly in `src`; they may import everything, through the doors. */
export const roof = ['main.ts', 'cli.ts', 'app.*.ts'];

/** How many folders deep a file may lie below `src`; the rules are written out for each depth. */
export const deepest = 3;

/** Packages that one folder keeps to itself, type imports included. */
export const keptPackages = [
  { name: 'ioredis', folder: 'redis', why: 'features inject the narrowed client of their purpose' },
  { name: 'pg', folder: 'database', why: 'features inject the FeatureDatabase of their name' },
  {
    name: '@electric-sql/pglite',
    folder: 'database',
    why: 'features inject the FeatureDatabase of their name',
  },
  { name: 'js-redis-server', folder: 'redis/embedded', why: 'the adapter alone knows the embedded engine' },
  { name: 'lua-redis-wasm', folder: 'redis/embedded', why: 'the adapter alone knows the embedded engine' },
];

/** The only places that read the environment themselves. */
export const environmentReaders = ['src/config/**', 'src/main.ts', 'src/cli.ts'];

/** @type {PlacedRoom[]} */
export const rooms = floors.flatMap((floor, level) => floor.map((room) => ({ ...room, level })));
