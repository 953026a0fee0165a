import { seededRandom } from '../../support/seeded-random.js';
import type { FaultRow } from './fault-row.js';
import type { Site } from './site.js';

const pass = ({ proxy }: Site) => proxy.pass();

/** What the network between application and server can do. A server notices nothing but lost connections. */
export const NETWORK_FAULTS: readonly FaultRow[] = [
  {
    name: 'refused',
    family: 'network',
    effect: 'lost',
    inject: ({ proxy }) => proxy.refuse(),
    heal: pass,
    reasons: ['reset', 'refused'],
    unknownOutcomes: true,
  },
  {
    name: 'without a free connection',
    family: 'network',
    effect: 'lost',
    inject: async ({ proxy }) => {
      await proxy.capConnections(0);
      proxy.resetAll();
    },
    heal: pass,
    reasons: ['reset'],
    unknownOutcomes: true,
  },
  {
    name: 'black-holed',
    family: 'network',
    effect: 'lost',
    inject: ({ proxy }) => proxy.blackHole(),
    heal: pass,
    reasons: ['timeout'],
    unknownOutcomes: true,
  },
  {
    name: 'half-open',
    family: 'network',
    effect: 'lost',
    inject: async ({ proxy }) => {
      proxy.halfOpen();
      await proxy.blackHole();
    },
    heal: pass,
    reasons: ['timeout'],
    unknownOutcomes: true,
  },
  {
    name: 'replies lost after execution',
    family: 'network',
    effect: 'lost',
    inject: ({ proxy }) => proxy.dropReplies(),
    // A connection that lost bytes is reset when they flow again.
    heal: pass,
    reasons: ['reset', 'timeout'],
    unknownOutcomes: true,
  },
  {
    name: 'closed in the middle of replies',
    family: 'network',
    effect: 'lost',
    // Less than a greeting takes, so that no connection is ever proven. A live one that is hardly used would take
    // minutes to reach the limit.
    inject: async ({ proxy }) => {
      await proxy.closeAfterBytes(1_003);
      proxy.resetAll();
    },
    heal: pass,
    reasons: ['reset'],
    unknownOutcomes: true,
  },
  {
    name: 'reset once',
    family: 'network',
    // Back within milliseconds: whether anybody was calling just then is chance.
    effect: 'slowed',
    inject: async ({ proxy }) => proxy.resetAll(),
    heal: pass,
    reasons: ['reset'],
    unknownOutcomes: true,
  },
  {
    name: 'flapping',
    family: 'network',
    effect: 'slowed',
    inject: ({ proxy }) => proxy.flap({ upMs: 250, downMs: 150 }),
    heal: pass,
    reasons: ['reset'],
    unknownOutcomes: true,
    flaps: true,
  },
  {
    name: 'slow by latency and jitter',
    family: 'network',
    effect: 'slowed',
    inject: ({ proxy }) => proxy.latency(60, 50, seededRandom(1)),
    heal: pass,
    reasons: ['timeout'],
    unknownOutcomes: true,
  },
  {
    name: 'slow by a narrow line',
    family: 'network',
    effect: 'slowed',
    inject: ({ proxy }) => proxy.bandwidth(20_000),
    heal: pass,
    reasons: ['timeout'],
    unknownOutcomes: true,
  },
  {
    name: 'sliced into single bytes',
    family: 'network',
    effect: 'unnoticed',
    inject: ({ proxy }) => proxy.sliceBytes(1),
    heal: pass,
    reasons: [],
    unknownOutcomes: false,
  },
  {
    name: 'corrupted',
    family: 'network',
    effect: 'lost',
    // Behind a short reply the sixth byte begins the next one. What is encrypted breaks wherever it is hit.
    inject: ({ proxy }) => proxy.corrupt({ everyNth: 6 }),
    heal: pass,
    reasons: ['protocol', 'tls'],
    unknownOutcomes: true,
  },
];
