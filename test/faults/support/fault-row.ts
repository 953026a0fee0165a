import type { UnavailableReason } from '../../../src/redis/index.js';
import type { Site } from './site.js';

/**
 * A fault of one server, of the rights on it, of its certificate, or of the network in front of it. Works on every
 * site, plain or TLS, whatever the name of its user; see `needsTls`.
 */
export interface FaultRow {
  readonly name: string;
  readonly family: 'network' | 'server' | 'rights' | 'tls';
  /** Resolves when the fault is in force. It stays so for two seconds at least, then until `heal`. */
  readonly inject: (site: Site) => Promise<void>;
  /** Resolves when the fault is over, which takes as long as a fault lasts that nobody can end. */
  readonly heal: (site: Site) => Promise<void>;
  /**
   * What the purpose does. `lost`: it leaves `up` and its calls fail, until the fault is healed. `slowed`: calls take
   * longer and may fail, and it may leave `up`, or leave it and return. `unnoticed`: no call fails and it stays up.
   */
  readonly effect: 'lost' | 'slowed' | 'unnoticed';
  /** Reasons that callers and status may show; empty where nothing may fail. */
  readonly reasons: readonly UnavailableReason[];
  /** Calls in flight when the fault begins get no answer although they may have run. */
  readonly unknownOutcomes: boolean;
  /** The server loses its data by order or by a lost disk, so what was acknowledged before is not looked for. */
  readonly forgets?: true;
  /** The link comes and goes: the flap penalty makes recovery slower on purpose, so its time is not judged. */
  readonly flaps?: true;
  /** Only for a site whose server speaks TLS, with `certificates` to choose from. */
  readonly needsTls?: true;
}
