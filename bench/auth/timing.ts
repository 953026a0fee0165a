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
  /** Side by side: an answer that comes no sooner than a set time leaves the machine idle most of that time. */
  readonly clients: number;
  readonly body: (email: string) => object;
}

const FLOWS: readonly Flow[] = [
  {
    name: 'login',
    path: '/v1/auth/token',
    expected: 401,
    clients: 1,
    body: (email) => ({ email, password: 'not the password of anybody' }),
  },
  {
    name: 'forgot',
    path: '/v1/auth/password/forgot',
    expected: 202,
    clients: 8,
    body: (email) => ({ email }),
  },
  {
    name: 'register',
    path: '/v1/auth/register',
    expected: 202,
    clients: 6,
    body: (email) => ({ email, password: 'harbour violin moss' }),
  },
];

type Sides = Record<'known' | 'unknown', number[]>;

/** Whether the time of an answer tells who has an account. Sides in an order by chance, each address once. */
export async function timing(): Promise<void> {
  const samples = numberArgument('samples', SAMPLES);
  const house = await BenchHouse.open();
  const { helper, origin } = await house.start();
  process.stdout.write(
    `\nknown and unknown accounts, ${samples} answers a side: not to be told apart, or upper bound ≤ ${UPPER_BOUND}\n`,
  );
  for (const flow of chosen()) {
    const count = samples + WARM_UP;
    await helper.tell({ do: 'accounts', name: `known-${flow.name.slice(0, 1)}-`, count });
    const sides: Sides = { known: [], unknown: [] };
    const order = shuffled(count);
    while (order.length > 0) {
      await house.redis.admin().flushall('SYNC');
      const some = order.splice(-FORGET_EVERY);
      await Promise.all(Array.from({ length: flow.clients }, () => askAll(flow, origin, { some, sides })));
    }
    report(flow.name, sides);
  }
  await house.close();
}

/** `--flows=login,register`; all unless told. */
function chosen(): readonly Flow[] {
  const word = process.argv.find((one) => one.startsWith('--flows='));
  const names = word?.slice('--flows='.length).split(',');
  return names ? FLOWS.filter(({ name }) => names.includes(name)) : FLOWS;
}

interface Question {
  readonly side: keyof Sides;
  readonly n: number;
}

/** Both sides of every number, in an order by chance, and the ones to warm up with first: asked from the end. */
function shuffled(count: number): Question[] {
  const all = Array.from({ length: count }, (_, n): Question[] => [
    { side: 'known', n },
    { side: 'unknown', n },
  ]).flat();
  for (let at = all.length - 1; at > 0; at -= 1) {
    const other = Math.floor(Math.random() * (at + 1));
    [all[at], all[other]] = [all[other] as Question, all[at] as Question];
  }
  return all.sort((a, b) => Number(a.n < WARM_UP) - Number(b.n < WARM_UP));
}

/** One client. */
async function askAll(
  flow: Flow,
  origin: string,
  { some, sides }: { readonly some: Question[]; readonly sides: Sides },
): Promise<void> {
  for (let question = some.pop(); question; question = some.pop()) {
    const { side, n } = question;
    // Of one length, and none asked for twice.
    const email = `${side === 'known' ? 'known' : 'noone'}-${flow.name.slice(0, 1)}-${n}@example.org`;
    const { status, ms } = await post(`${origin}${flow.path}`, flow.body(email));
    if (status !== flow.expected) throw new Error(`${flow.name} answered ${status}`);
    if (n >= WARM_UP) sides[side].push(ms);
  }
}

function report(name: string, { known, unknown }: Sides): void {
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
