import type { UnavailableReason } from './redis.errors.js';

/** Which setting to look at first. */
export type Suspect =
  | 'address'
  | 'database'
  | 'credentials'
  | 'authority'
  | 'servername'
  | 'client-certificate'
  | 'scheme'
  | 'grants'
  | 'replicas'
  | 'topology'
  | 'sentinel-name'
  | 'sentinel-credentials'
  | 'sentinel-grants'
  | 'nodes'
  | 'provider'
  | 'server';

/** The purpose must not be used on this connection, or none could be tried. */
export class HandshakeError extends Error {
  /**
   * @param detail safe to show: never an argument of the refused command
   * @param suspect where the reason alone would point to the wrong setting
   */
  constructor(
    readonly reason: UnavailableReason,
    detail: string,
    readonly suspect?: Suspect,
  ) {
    super(detail);
    this.name = 'HandshakeError';
  }
}
