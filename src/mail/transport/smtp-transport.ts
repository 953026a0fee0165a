import { type Transporter, createTransport } from 'nodemailer';
import type { MailServer } from './mail-server.js';
import { MailFailure, type MailTransport, type OutgoingMail } from './mail-transport.js';

export interface SmtpOptions {
  readonly server: MailServer;
  readonly timeoutMs: number;
  /** Credentials and mails never leave unencrypted. */
  readonly demandTls: boolean;
}

/** Connections at a time; more would be refused by most servers. */
const MOST_CONNECTIONS = 2;

/**
 * What a server may take its time over, one after the other: connecting, greeting, EHLO, STARTTLS, handshake, EHLO, three
 * for AUTH LOGIN, MAIL, RCPT, DATA and the mail itself.
 */
const STEPS = 13;

/** Hands mails to an SMTP server. */
export class SmtpTransport implements MailTransport {
  readonly mostAtOnce = MOST_CONNECTIONS;
  readonly longestMs: number;
  private readonly transporter: Transporter;

  constructor({ server, timeoutMs, demandTls }: SmtpOptions) {
    const { host, port, secure, user, password } = server;
    this.longestMs = STEPS * timeoutMs;
    this.transporter = createTransport({
      host,
      port,
      secure,
      requireTLS: demandTls && !secure,
      ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
      pool: true,
      maxConnections: MOST_CONNECTIONS,
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      dnsTimeout: timeoutMs,
      // Nothing of a mail may name a file or an address to read from.
      disableFileAccess: true,
      disableUrlAccess: true,
      logger: false,
    });
  }

  async send(mail: OutgoingMail, signal: AbortSignal): Promise<void> {
    const { messageId, from, to, subject, text, html, headers } = mail;
    try {
      await this.transporter.sendMail({
        messageId,
        from,
        // As an object nodemailer does not parse the text for further recipients.
        to: { name: '', address: to },
        subject,
        text,
        html,
        headers: { ...headers, 'Auto-Submitted': 'auto-generated' },
        // Ends the connection that the mail is on: a server that has not got all of it delivers nothing.
        signal,
      });
    } catch (error) {
      throw failureOf(error);
    }
  }

  close(): void {
    this.transporter.close();
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  ECONNECTION: 'refused',
  ETIMEDOUT: 'timeout',
  ETIMEOUT: 'timeout',
  EDNS: 'dns',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  ETLS: 'tls',
  EAUTH: 'auth',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
};

function failureOf(error: unknown): MailFailure {
  const { code, responseCode, command } = (error ?? {}) as Partial<Record<'code' | 'command', unknown>> & {
    responseCode?: unknown;
  };
  const status = typeof responseCode === 'number' ? responseCode : 0;
  if (code === 'EAUTH') return new MailFailure('auth', false);
  // RFC 5321 §4.2.1: 5yz about the envelope or the message is for good, 4yz is not.
  const aboutMail = code === 'EENVELOPE' || code === 'EMESSAGE' || /^(RCPT|MAIL|DATA)/.test(String(command));
  if (status >= 500 && aboutMail) return new MailFailure('rejected', true);
  if (status >= 400) return new MailFailure('deferred', false);
  return new MailFailure(REASONS[String(code)] ?? 'other', false);
}
