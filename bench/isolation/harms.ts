import { setPriority } from 'node:os';
import { Flood } from './flood.js';
import type { Scene } from './house.js';

/** One way in which a purpose can be in trouble. */
export interface Harm {
  readonly name: string;
  /** A harm to the server or its link is the same for all purposes that share it. */
  readonly hits: 'purpose' | 'server';
  /** Resolves when the harm is in force. @returns how to end it */
  readonly begin: (scene: Scene) => Promise<() => Promise<void>>;
}

/** Waiting calls of one millisecond each: within the budget of every purpose, and the server is never idle. */
const OTHERS = 50;
const ITSELF = 32;
/** Of what floods and is flooded, as if on another machine: few cores are not to be what is measured. */
const NICE = 10;

export const HARMS: readonly Harm[] = [
  {
    name: 'flooded by others',
    hits: 'purpose',
    begin: async (scene) => {
      const { house, affected, loopsPerMs } = scene;
      giveWay(scene);
      await house.flood.tell({ flood: { purpose: affected, concurrency: OTHERS, loops: loopsPerMs } });
      return async () => void (await house.flood.tell({ end: true }));
    },
  },
  {
    name: 'flooded by itself',
    hits: 'purpose',
    begin: (scene) => {
      const { core, affected, loopsPerMs } = scene;
      giveWay(scene);
      const flood = new Flood(core, { purpose: affected, concurrency: ITSELF, loops: loopsPerMs });
      return Promise.resolve(() => flood.stop());
    },
  },
  {
    name: 'killed',
    hits: 'server',
    begin: async ({ house, affected }) => {
      const server = house.server(affected);
      await Promise.all([server.kill9(), house.link.tell({ set: 'refuse' })]);
      return async () => {
        await server.start();
        await house.link.tell({ set: 'pass' });
      };
    },
  },
  { name: 'black-holed', hits: 'server', begin: (scene) => setLink(scene, 'blackHole') },
  { name: 'flapping', hits: 'server', begin: (scene) => setLink(scene, 'flap') },
];

/** A server that all share is the one they are observed on. A restarted one has its priority back. */
function giveWay({ house, affected }: Scene): void {
  if (house.arrangement === 'shared') return;
  setPriority(house.flood.pid, NICE);
  setPriority(house.server(affected).pid, NICE);
}

async function setLink({ house }: Scene, set: 'blackHole' | 'flap'): Promise<() => Promise<void>> {
  await house.link.tell({ set });
  return async () => void (await house.link.tell({ set: 'pass' }));
}
