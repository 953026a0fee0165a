import { Command, Redis } from 'ioredis';
import type { Clock, Timer } from '../../kernel/time.js';
import { startDeadline } from '../../kernel/deadline.js';
import { connectionDefaults } from '../connection-defaults.js';
import type { Address } from '../dialer.js';
import { type RawCall, logIn, loginRefused } from '../handshake.js';
import { HandshakeError } from '../handshake-error.js';
import type { LiveAccess } from '../live-access.js';
import { lossFor, lossFrom } from '../loss.js';
import { filterEveryStream } from '../reply-filter.js';
import { reasonOf } from '../unavailable-reason.js';

/** News are a line, and a table of slots is numbers and names: nothing that is asked for is longer. */
const LIMITS = { bulk: 256 * 1024, elements: 20_000 };

/** Whom to ask about a topology: a Sentinel, or any node of a cluster. */
export interface Informant {
  readonly address: Address;
  readonly tls: boolean;
  readonly access: LiveAccess;
  /** For connecting and for each answer, milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Ends the conversation when its owner closes. */
  readonly signal?: AbortSignal;
}

/**
 * A connection beside those of the lanes: short, bounded, and never given to a feature. Its server is
 * trusted as little as that of a lane.
 */
export class Scout {
  private readonly client: Redis;
  private subscribing = false;
  private dialling: Timer | undefined;
  private late = (): void => undefined;

  constructor(private readonly informant: Informant) {
    const { address, tls, access, timeoutMs } = informant;
    this.client = new Redis({
      ...connectionDefaults({ tls, access, locate: () => this.dial(address) }, timeoutMs),
      // The library's own bound takes a pause of this process for the server's silence.
      connectTimeout: 0,
      retryStrategy: () => null,
    });
    filterEveryStream(this.client, {
      // A subscription is told things without asking, and one question may have many answers.
      pending: () => (this.subscribing ? Number.MAX_SAFE_INTEGER : this.client.commandQueue.length),
      limits: LIMITS,
      received: () => undefined,
      violated: () => this.client.stream.destroy(),
    });
  }

  /** @throws HandshakeError */
  async connect(): Promise<void> {
    const cause = new Promise<never>((_, reject) => {
      this.client.once('error', (error: Error) => reject(asHandshakeError(error)));
      this.late = () => reject(timedOut());
    });
    cause.catch(() => undefined);
    this.client.on('error', () => undefined);
    // The promise of connect() says only that the connection was closed; the cause is an event.
    await Promise.race([cause, this.client.connect().catch(() => settled(cause))]).finally(() =>
      this.dialling?.cancel(),
    );
    const { access } = this.informant;
    const { credentials, tls } = access;
    const refusal = await logIn(this.ask, credentials);
    if (!(refusal instanceof Error)) return;
    const refused = refusal.name === 'ReplyError' ? loginRefused(refusal) : asHandshakeError(refusal);
    access.keeper?.refused(lossFrom(refused), { credentials, tls });
    throw refused;
  }

  /** @throws HandshakeError when nobody answers in time; ReplyError when the server refuses */
  readonly ask: RawCall = (name, ...args) => {
    const command = new Command(name, args, { replyEncoding: 'utf8' });
    const answer = this.client.sendCommand(command) as Promise<unknown>;
    // Written by now; the library would show the password in errors and traces.
    command.args.fill('?');
    return this.bounded(answer);
  };

  /** Hears what is published on the channels until the connection ends. */
  async subscribe(
    channels: readonly string[],
    heard: (channel: string, message: string) => void,
    ended: () => void,
  ): Promise<void> {
    this.subscribing = true;
    this.client.on('message', heard);
    this.client.once('end', ended);
    await this.bounded(this.client.subscribe(...channels));
  }

  /** Credentials may have been waited for until now; the server has not been asked yet. */
  private dial(address: Address): Promise<Address> {
    const { clock, timeoutMs } = this.informant;
    this.dialling = startDeadline(clock, timeoutMs, () => this.late());
    return Promise.resolve(address);
  }

  private bounded<T>(answer: Promise<T>): Promise<T> {
    const { timeoutMs, clock } = this.informant;
    return new Promise((resolve, reject) => {
      const deadline = startDeadline(clock, timeoutMs, () => reject(new HandshakeError('timeout', SILENT)));
      answer.then(resolve, reject).finally(() => deadline.cancel());
    });
  }

  close(): void {
    this.client.disconnect();
    this.client.stream?.destroy();
  }
}

/** One conversation: connects, talks, closes. */
export async function converse<T>(informant: Informant, talk: (ask: RawCall) => Promise<T>): Promise<T> {
  const { signal } = informant;
  if (signal?.aborted) throw new HandshakeError('reset', 'the connection was closed on purpose');
  const scout = new Scout(informant);
  const end = () => scout.close();
  signal?.addEventListener('abort', end);
  try {
    await scout.connect();
    return await talk(scout.ask);
  } catch (error) {
    throw asHandshakeError(error as Error);
  } finally {
    signal?.removeEventListener('abort', end);
    scout.close();
  }
}

const SILENT = 'the server accepted the connection but did not answer';

function timedOut(): HandshakeError {
  const { reason, detail, suspect } = lossFor('timeout');
  return new HandshakeError(reason, detail, suspect);
}

export function asHandshakeError(error: Error): HandshakeError {
  if (error instanceof HandshakeError) return error;
  if (error.name === 'ReplyError')
    return new HandshakeError(reasonOf(error), 'the server refused the question');
  const { reason, detail, suspect } = lossFrom(error);
  return new HandshakeError(reason, detail, suspect);
}

/** The cause, where one was told within a turn; a connection that was closed without one was reset. */
async function settled(cause: Promise<never>): Promise<never> {
  const closed = new Promise<never>((_, reject) =>
    setImmediate(() => reject(new HandshakeError('reset', 'the connection was closed by the other side'))),
  );
  return Promise.race([cause, closed]);
}
