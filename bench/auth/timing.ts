import { quantile } from '../quantile.js';
import { numberArgument } from './arguments.js';
import { aucOf } from './auc.js';
import { BenchHouse, post } from './house.js';

const SAMPLES = 5000;
const UPPER_BOUND = 0.53;
const WIDEST = 0.06;
/** Attempts are forgotten so often: a limit for everybody that is used up is what both sides would be told. */
const FORGET_EVERY = 400;
const WARM_UP = 20;

interface Flow {
  readonly name: string;
  readonly path: string;
  readonly expected: number;
  readonly body: (email: string) => object;
}

const FLOWS: readonly Flow[] = [
  {
    name: 'login',
    path: '/v1/auth/token',
    expected: 401,
    body: (email) => ({ email, password: 'not the password of anybody' }),
  },
  { name: 'forgot', path: '/v1/auth/password/forgot', expected: 202, body: (email) => ({ email }) },
  {
    name: 'register',
    path: '/v1/auth/register',
    expected: 202,
    body: (email) => ({ email, password: 'harbour violin moss' }),
  },
];

/** Whether the time of an answer tells who has an account. One client, sides in an order by chance, each address once. */
export async function timing(): Promise<void> {
  const samples = numberArgument('samples', SAMPLES);
  const house = await BenchHouse.open();
  const { helper, origin } = await house.start();
  process.stdout.write(
    `\nknown and unknown accounts, ${samples} answers a side: not to be told apart, or upper bound ≤ ${UPPER_BOUND}\n`,
  );
  for (const flow of FLOWS) {
    const name = flow.name.slice(0, 1);
    await helper.tell({ do: 'accounts', name: `known-${name}-`, count: samples + WARM_UP });
    const sides = { known: [] as number[], unknown: [] as number[] };
    let [known, unknown] = [0, 0];
    while (known + unknown < 2 * (samples + WARM_UP)) {
      if ((known + unknown) % FORGET_EVERY === 0) await house.redis.admin().flushall('SYNC');
      const left = { known: samples + WARM_UP - known, unknown: samples + WARM_UP - unknown };
      const isKnown = Math.random() * (left.known + left.unknown) < left.known;
      // Of one length, and none asked for twice.
      const n = isKnown ? known++ : unknown++;
      const email = `${isKnown ? `known-${name}-` : `noone-${name}-`}${n}@example.org`;
      const { status, ms } = await post(`${origin}${flow.path}`, flow.body(email));
      if (status !== flow.expected) throw new Error(`${flow.name} answered ${status}`);
      if (n >= WARM_UP) sides[isKnown ? 'known' : 'unknown'].push(ms);
    }
    report(flow.name, sides);
  }
  await house.close();
}

function report(name: string, { known, unknown }: Record<'known' | 'unknown', number[]>): void {
  const { auc, low, high } = aucOf(known, unknown);
  const told = low > 0.5 || high < 0.5;
  // Which side is slower does not matter to whoever tells them apart.
  const worst = Math.max(high, 1 - low);
  const kept = !told || worst <= UPPER_BOUND;
  // An interval that wide holds everything, and says nothing.
  const verdict = kept && high - low > WIDEST ? 'too few samples' : kept ? 'kept' : 'MISSED';
  process.stdout.write(
    `${name.padEnd(9)} AUC ${auc.toFixed(4)} [${low.toFixed(4)} – ${high.toFixed(4)}] ${verdict}  ` +
      `medians ${quantile(known, 0.5).toFixed(2)} and ${quantile(unknown, 0.5).toFixed(2)} ms\n`,
  );
}
