import { afterAll, beforeAll, expect, it } from 'vitest';
import { ReplayedNonceError, TokenInUseError, TokenInvalidError } from '../../src/security-tokens/index.js';
import { SKEW_MS, noncesOn, openPurpose, passTime, tokensOn } from '../contract/security-tokens.rig.js';
import type { Compartments } from '../support/compartments.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { FULL } from './support/selection.js';

const RACES = FULL ? 10_000 : 200;
const RUNNERS = 50;
const INSTANCES = 2;
const KINDS = ['passwordReset', 'emailVerification', 'statusConfirm'] as const;

/** One race: what each of its runners does, and how those that lose are told so. */
interface Race {
  readonly run: (runner: number) => Promise<unknown>;
  readonly losing: (error: unknown) => boolean;
}

describeReal('Nothing is used twice', () => {
  let server: RedisServer;
  let instances: Compartments[];

  beforeAll(async () => {
    server = await startRedisServer();
    instances = await Promise.all(Array.from({ length: INSTANCES }, () => openPurpose(server.port)));
  });
  afterAll(async () => {
    await Promise.all(instances.map((instance) => instance.close()));
    await server.stop();
  });

  it(
    `in ${RACES} races of ${RUNNERS} on ${INSTANCES} instances`,
    async () => {
      const stores = instances.map((instance) => {
        const redis = instance.client('securityTokens');
        return { ...tokensOn(redis), nonces: noncesOn(redis).nonces };
      });
      const [first] = stores;
      if (!first) throw new Error('There is no instance');
      await first.nonces.prepare('key');
      await passTime(server.admin(), SKEW_MS);
      const store = (runner: number) => stores[runner % INSTANCES] ?? first;

      const ofTokens = async (race: number): Promise<Race> => {
        const kind = KINDS[race % KINDS.length] ?? 'passwordReset';
        const { token } = await first.tokens.issue(kind, { subject: `u${race}` });
        return {
          run: (runner) => store(runner).tokens.use(kind, token, async () => undefined),
          losing: (error) => error instanceof TokenInUseError || error instanceof TokenInvalidError,
        };
      };
      const ofNonces = async (race: number): Promise<Race> => {
        const window = { issuedAtMs: Date.now(), expiresAtMs: Date.now() + 300_000 };
        return {
          run: (runner) => store(runner).nonces.use('key', `n${race}`, window),
          losing: (error) => error instanceof ReplayedNonceError,
        };
      };

      const tally = { won: 0, lost: 0, other: 0, racesWithoutOneWinner: 0 };
      for (let race = 0; race < RACES; race += 1) {
        const { run, losing } = await (race % 4 === 3 ? ofNonces(race) : ofTokens(race));
        const ends = await Promise.allSettled(Array.from({ length: RUNNERS }, (_, runner) => run(runner)));
        const won = ends.filter(({ status }) => status === 'fulfilled').length;
        const lost = ends.filter((end) => end.status === 'rejected' && losing(end.reason)).length;
        tally.won += won;
        tally.lost += lost;
        tally.other += RUNNERS - won - lost;
        if (won !== 1) tally.racesWithoutOneWinner += 1;
      }
      process.stdout.write(`${RACES} races of ${RUNNERS}: ${JSON.stringify(tally)}\n`);
      expect(tally).toEqual({ won: RACES, lost: RACES * (RUNNERS - 1), other: 0, racesWithoutOneWinner: 0 });
    },
    FULL ? 600_000 : 60_000,
  );
});
