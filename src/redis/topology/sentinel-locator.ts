import type { Clock, Timer } from '../../kernel/time.js';
import type { Address } from '../dialer.js';
import { HandshakeError } from '../handshake-error.js';
import type { LiveAccess } from '../live-access.js';
import type { Proof } from '../status.types.js';
import type { Locator } from './locator.js';
import { type Named, PrimaryMemory } from './primary-memory.js';
import { PromotionHold } from './promotion-hold.js';
import type { Informant } from './scout.js';
import { type Converse, type SentinelAnswer, askSentinel } from './sentinel-question.js';
import { SentinelWatch, type WatchScout } from './sentinel-watch.js';
import { tellingFailure } from './telling-failure.js';
import { describeAddress } from './topology.js';
import { wrongKind } from './wrong-kind.js';

export interface SentinelLocatorOptions {
  readonly name: string;
  readonly sentinels: readonly Address[];
  readonly tls: boolean;
  /** Credentials of the Sentinels; certificates as for the servers. */
  readonly access: LiveAccess;
  /** For one Sentinel to answer while nothing is known yet, milliseconds. */
  readonly firstAnswerMs: number;
  readonly clock: Clock;
  /** Nobody may write to the primary any more; another one is on its way. */
  readonly leaving: () => void;
  /** The Sentinels name another primary than before. */
  readonly moved: (primary: Address) => void;
  readonly converse?: Converse;
  readonly scout?: (informant: Informant) => WatchScout;
}

/** A Sentinel on the same network answers within a few; a dead one must not hold up a fail-over. */
const ANSWER_MS = 300;
/** Between two looks that were not for a connection. */
const LOOK_MS = 250;

/**
 * Asks all Sentinels at once where the primary is, before each attempt to connect and once more when a
 * connection stands, as https://redis.io/docs/latest/develop/reference/sentinel-clients/ demands. Which answer
 * is believed, PrimaryMemory says; during a promotion nobody is sent to the old primary.
 */
export class SentinelLocator implements Locator {
  private readonly watches: readonly SentinelWatch[];
  private readonly memory: PrimaryMemory;
  private readonly hold: PromotionHold;
  private readonly closing = new AbortController();
  private asking: Promise<Address> | undefined;
  private answers: readonly SentinelAnswer[] = [];
  private resting: Timer | undefined;
  private looksAgain = false;

  constructor(private readonly options: SentinelLocatorOptions) {
    this.memory = new PrimaryMemory(options.clock);
    this.hold = new PromotionHold(options.clock);
    this.watches = options.sentinels.map((address) => this.watch(address));
  }

  locate(): Promise<Address> {
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    return this.asking;
  }

  async confirm(address: Address): Promise<boolean> {
    const primary = await this.askAnew();
    return primary.host === address.host && primary.port === address.port;
  }

  proof(): Proof {
    const all = this.answers.length;
    const failed = this.answers.flatMap(({ failure }) => failure ?? []);
    if (failed.length > 0)
      return contradicted(`${failed.length} of ${all} Sentinels do not name the primary`, failed);
    const unheard = this.watches.flatMap(({ trouble }) => trouble ?? []);
    if (unheard.length > 0)
      return contradicted(
        `the announcements of ${unheard.length} of ${all} Sentinels are not heard`,
        unheard,
      );
    const named = new Set(this.answers.flatMap(({ primary }) => (primary ? describeAddress(primary) : [])));
    return named.size === 1
      ? { fact: 'sentinels', verdict: 'proven', detail: `all ${all} Sentinels agree` }
      : { fact: 'sentinels', verdict: 'contradicted', detail: `they name ${[...named].join(' and ')}` };
  }

  close(): void {
    this.closing.abort();
    this.resting?.cancel();
    for (const watch of this.watches) watch.close();
  }

  private watch(address: Address): SentinelWatch {
    const who = describeAddress(address);
    const { name, scout } = this.options;
    return new SentinelWatch({
      informant: this.informant(address),
      name,
      promoting: (replica) => this.promoting(who, replica),
      switched: (from, to) => this.switched(from, to),
      gaveUp: () => this.hold.gaveUp(who),
      resumed: () => this.look(),
      ...(scout ? { scout } : {}),
    });
  }

  private async ask(): Promise<Address> {
    const { sentinels, name, converse } = this.options;
    const announcements = this.memory.announcements;
    const answers = await Promise.all(
      sentinels.map((sentinel) => askSentinel(this.informant(sentinel), name, converse)),
    );
    if (this.closing.signal.aborted)
      throw new HandshakeError('reset', 'the connection was closed on purpose');
    this.answers = answers;
    const before = this.memory.primary;
    // A wrong setting shows at the start; later the same answer may come from a Sentinel that was set up anew.
    const wrong = before ? undefined : wrongKind(answers);
    if (wrong) throw wrong;
    // What was announced after the question is newer than the answers.
    if (before && announcements !== this.memory.announcements) return before;
    const best = this.memory.judge(answers);
    if (best && this.memory.is(best.primary) && this.hold.counts(answering(answers)))
      throw new HandshakeError('readonly', 'the Sentinels are promoting another server');
    if (!best) throw unnamed(answers);
    for (const watch of this.watches) watch.open();
    this.follow(best);
    return best.primary;
  }

  /** A question that is under way may have been asked before what is to be learned. */
  private async askAnew(): Promise<Address> {
    await this.asking?.catch(() => undefined);
    return this.locate();
  }

  /** Asks for news; whoever floods us with it does not make us flood the Sentinels. */
  private look(): void {
    if (this.resting) {
      this.looksAgain = true;
      return;
    }
    this.askAnew().catch(() => undefined);
    this.resting = this.options.clock.after(LOOK_MS, () => {
      this.resting = undefined;
      const again = this.looksAgain;
      this.looksAgain = false;
      if (again && !this.closing.signal.aborted) this.look();
    });
  }

  private follow(named: Named): void {
    if (this.memory.learn(named)) this.movedTo(named.primary);
  }

  private movedTo(primary: Address): void {
    this.hold.fulfilled();
    this.options.moved(primary);
  }

  private promoting(sentinel: string, replica: Address | undefined): void {
    // What has been heard of already is over.
    if (replica && this.memory.is(replica)) return;
    if (this.hold.begin(sentinel)) this.options.leaving();
  }

  private switched(from: Address, to: Address): void {
    if (this.memory.is(to)) return;
    // Who tells of another primary than the one known may be behind, or ahead.
    if (!this.memory.is(from)) {
      this.look();
      return;
    }
    this.memory.announced(to);
    this.movedTo(to);
  }

  private informant(address: Address): Informant {
    const { tls, access, clock, firstAnswerMs } = this.options;
    const timeoutMs = this.memory.primary ? ANSWER_MS : firstAnswerMs;
    return { address, tls, access, clock, timeoutMs, signal: this.closing.signal };
  }
}

function contradicted(what: string, failures: readonly HandshakeError[]): Proof {
  const whys = failures.map(({ message, reason }) => `${message} (${reason})`);
  return { fact: 'sentinels', verdict: 'contradicted', detail: `${what}: ${whys.join('; ')}` };
}

function answering(answers: readonly SentinelAnswer[]): string[] {
  return answers.flatMap(({ sentinel, failure }) => (failure ? [] : describeAddress(sentinel)));
}

function unnamed(answers: readonly SentinelAnswer[]): HandshakeError {
  const failures = answers.flatMap(({ failure }) => failure ?? []);
  const past = answers.length - failures.length;
  const why = `${past} of ${answers.length} Sentinels answer, and name a primary of the past`;
  return (past === 0 ? tellingFailure(failures) : undefined) ?? new HandshakeError('readonly', why);
}
