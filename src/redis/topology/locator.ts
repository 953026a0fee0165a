import type { Address } from '../dialer.js';
import type { Proof } from '../status.types.js';

/** Knows where the primary of a purpose is. */
export interface Locator {
  /**
   * Asked before every attempt to connect.
   * @throws HandshakeError when nobody can say
   */
  locate(): Promise<Address>;
  /** Whether `address` still is the primary, asked when a connection to it has been made. */
  confirm(address: Address): Promise<boolean>;
  /** What is to be said about those who were asked. */
  proof(): Proof | undefined;
  close(): void;
}

/** One address that never changes. That of an embedded engine is known only when the engine runs. */
export class FixedLocator implements Locator {
  constructor(private address: Address | undefined) {}

  settle(address: Address): void {
    this.address = address;
  }

  locate(): Promise<Address> {
    return this.address
      ? Promise.resolve(this.address)
      : Promise.reject(new Error('The engine is not started'));
  }

  confirm(): Promise<boolean> {
    return Promise.resolve(true);
  }

  proof(): undefined {
    return undefined;
  }

  close(): void {}
}
