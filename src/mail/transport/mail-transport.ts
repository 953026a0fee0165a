import type { RenderedMail } from '../mail-content.js';

export interface OutgoingMail extends RenderedMail {
  /** The same for every attempt, so that a receiver can tell a repetition (RFC 5322 Message-ID). */
  readonly messageId: string;
  readonly from: string;
  readonly to: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface MailTransport {
  /** Mails that may be on their way at a time. */
  readonly mostAtOnce: number;
  /** A mail that is on its way for longer is lost, milliseconds; one that is called off sooner may arrive all the same. */
  readonly longestMs: number;
  /**
   * @param signal ends what is under way, the connection included
   * @throws MailFailure
   */
  send(mail: OutgoingMail, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Why a mail did not leave. The server's own words may hold the recipient, so they are not kept. */
export class MailFailure extends Error {
  /**
   * @param reason stable word: refused, timeout, dns, tls, auth, reset, deferred, rejected, other
   * @param permanent the server will never take this mail
   */
  constructor(
    readonly reason: string,
    readonly permanent: boolean,
  ) {
    super(`The mail server did not take a mail (${reason})`);
    this.name = 'MailFailure';
  }
}
