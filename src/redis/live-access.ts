import type { Secret } from '../kernel/redact.js';
import type { Loss } from './loss.js';
import type { TlsMaterial } from './tls-material.js';

/** How a purpose logs in. Without a user name: as `default`. */
export interface Credentials {
  readonly username?: string;
  readonly password?: Secret;
}

/** What one connection was made with. Compared as objects: what is replaced is another one. */
export interface Access {
  readonly credentials: Credentials;
  readonly tls: TlsMaterial;
}

/** Renews what is in a LiveAccess while the process runs, and hears from the connections how it fares. */
export interface AccessKeeper {
  /**
   * Waited for before every attempt to connect.
   * @throws HandshakeError while there is nothing to log in with
   */
  prepare(): Promise<void>;
  /** A server let a connection in, and every proof held. */
  accepted(used: Access): void;
  /** A server turned a connection away: for its credentials, for what its user may not do, or in the TLS handshake. */
  refused(loss: Loss, used: Access): void;
  /** Others are being fetched, so that a refusal is not the last word. */
  readonly seeking: boolean;
  /**
   * Looks whether there is anything new, and tries it. Never rejects.
   *
   * @param force asks a provider as well, and tries at once what a server refused before
   * @returns whether anything differs from what was in use
   */
  look(force?: boolean): Promise<boolean>;
  /** Nothing is renewed any more; the connections are about to be closed. */
  stop(): void;
}

/**
 * What opens the door of a server and may change while the process runs. Every connection looks here at each
 * connect, so that what is put in holds from the next one on.
 */
export class LiveAccess implements Access {
  keeper: AccessKeeper | undefined;
  private readonly companions: LiveAccess[] = [];

  constructor(
    public credentials: Credentials,
    private material: TlsMaterial,
  ) {}

  get tls(): TlsMaterial {
    return this.material;
  }

  set tls(material: TlsMaterial) {
    this.material = material;
    for (const companion of this.companions) companion.tls = material;
  }

  get user(): string {
    return this.credentials.username ?? 'default';
  }

  /** For Sentinels, which have users of their own behind the same certificates, now and later. */
  companion(credentials: Credentials): LiveAccess {
    const companion = new LiveAccess(credentials, this.tls);
    this.companions.push(companion);
    return companion;
  }

  /** What companions log in with. */
  get beside(): Credentials | undefined {
    return this.companions[0]?.credentials;
  }

  /** Replaces what companions log in with. */
  useBeside(credentials: Credentials): void {
    for (const companion of this.companions) companion.credentials = credentials;
  }
}
