import type { Role } from '../../identity/index.js';

/** Whose stream it is, and until when: what an access token or a cookie of ours said, and a live session confirmed. */
export interface StreamIdentity {
  readonly userId: string;
  readonly tenantId: string;
  readonly role: Role;
  readonly sessionId: string;
  /** `users.token_epoch` under which the session began. */
  readonly epoch: number;
  /** The stream ends then, milliseconds since the epoch. */
  readonly endsAtMs: number;
}

/** The scope that lets somebody read what a tenant is billed. */
export const READ_SCOPE = 'billing:read';
