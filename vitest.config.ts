import { defineConfig } from 'vitest/config';

/**
 * One project per kind of test. `npm run check` runs those that need no server; `npm test` runs all of them.
 * Only projects that talk to real servers carry the global set-up, so that nobody needs Redis for a unit test.
 * Type tests (`*.test-d.ts`) are not listed: the compiler is their runner (`npm run typecheck`).
 */
const realServers = { globalSetup: ['test/support/global-setup.ts'] };
/** These also run the built application; it is built once, before any test. */
const builtApplication = { globalSetup: [...realServers.globalSetup, 'test/support/build-setup.ts'] };

/** Groups run one after the other: quick answers first, tests that cut and freeze servers alone at the end. */
const group = (groupOrder: number) => ({ sequence: { groupOrder } });

/** Takes as long as it is told to, so it is there only for `npm run soak`. */
const soak = {
  extends: true as const,
  test: { name: 'soak', include: ['test/faults/**/*.soak.ts'], ...builtApplication, ...group(3) },
};

export default defineConfig(({ mode }) => ({
  test: {
    pool: 'forks',
    maxWorkers: '100%',
    // These end what hangs. How long things take on a machine that does other things too is no result of a test.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 20_000 } },
    reporters: ['default'],
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['src/**/*.spec.ts'], isolate: false, ...group(0) },
      },
      {
        extends: true,
        test: { name: 'architecture', include: ['test/*.spec.ts'], ...group(0) },
      },
      {
        extends: true,
        test: {
          name: 'contract-embedded',
          include: ['test/contract/**/*.contract.ts'],
          env: { ENGINE: 'embedded' },
          ...group(0),
        },
      },
      {
        extends: true,
        test: {
          name: 'contract-real',
          include: ['test/contract/**/*.contract.ts'],
          env: { ENGINE: 'real' },
          ...realServers,
          ...group(1),
        },
      },
      {
        extends: true,
        test: {
          name: 'support',
          include: ['test/support/**/*.spec.ts'],
          ...realServers,
          ...group(1),
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.e2e-spec.ts', 'examples/**/*.e2e-spec.ts'],
          ...builtApplication,
          ...group(1),
        },
      },
      {
        extends: true,
        test: {
          name: 'faults',
          include: ['test/faults/**/*.faults.ts'],
          env: { FAULTS: process.env.FAULTS ?? (mode === 'full' ? 'full' : 'short') },
          // One file at a time: they measure, and a second one would be the noise of the first.
          maxWorkers: 1,
          ...builtApplication,
          ...group(2),
        },
      },
      ...(mode === 'soak' ? [soak] : []),
    ],
  },
}));
