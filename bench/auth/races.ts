import { TokenInUseError, TokenInvalidError } from '../../src/security-tokens/index.js';
import { openPurpose, tokensOn } from '../../test/contract/security-tokens.rig.js';
import { startRedisServer } from '../../test/support/redis-server.js';
import { numberArgument } from './arguments.js';

const RACES = 10_000;
const RUNNERS = 50;
const INSTANCES = 2;

/** One token, fifty claims at once, on two instances: how often more than one, or nobody, has used it. */
export async function races(): Promise<void> {
  const count = numberArgument('races', RACES);
  const server = await startRedisServer();
  const instances = await Promise.all(Array.from({ length: INSTANCES }, () => openPurpose(server.port)));
  const stores = instances.map((instance) => tokensOn(instance.client('securityTokens')).tokens);
  const [first] = stores;
  if (!first) throw new Error('There is no instance');
  const tally = { doubleUses: 0, unused: 0, foreign: 0 };
  const startMs = performance.now();
  for (let race = 0; race < count; race += 1) {
    const { token } = await first.issue('passwordReset', { subject: `u${race}` });
    const ends = await Promise.allSettled(
      Array.from({ length: RUNNERS }, (_, runner) =>
        (stores[runner % INSTANCES] ?? first).use('passwordReset', token, async () => undefined),
      ),
    );
    const uses = ends.filter(({ status }) => status === 'fulfilled').length;
    if (uses > 1) tally.doubleUses += uses - 1;
    if (uses === 0) tally.unused += 1;
    tally.foreign += ends.filter((end) => end.status === 'rejected' && !isLoss(end.reason)).length;
  }
  const seconds = (performance.now() - startMs) / 1000;
  process.stdout.write(
    `\n${count} races of ${RUNNERS} claims of one token on ${INSTANCES} instances: ${tally.doubleUses} double uses, ` +
      `${tally.unused} tokens that nobody used, ${tally.foreign} other errors, ${seconds.toFixed(0)} s\n`,
  );
  await Promise.all(instances.map((instance) => instance.close()));
  await server.stop();
}

function isLoss(error: unknown): boolean {
  return error instanceof TokenInUseError || error instanceof TokenInvalidError;
}
