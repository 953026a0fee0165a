import type { MailTemplate } from '../mail/index.js';
import type { IncidentSeverity, Severity } from './status.tables.js';

const WHICH: Readonly<Record<Severity, string>> = {
  all: 'all status alerts',
  major: 'status alerts of major incidents',
  maintenance: 'status alerts of maintenance',
};

/** The same whether the address gets alerts already, so that whoever asks learns nothing from it. */
export const CONFIRM_SUBSCRIPTION: MailTemplate<{ readonly token: string; readonly severity: Severity }> = {
  name: 'status-confirm',
  compose: ({ token, severity }) => ({
    subject: 'Confirm your status alerts',
    parts: [
      `Somebody, probably you, wants ${WHICH[severity]} to be sent to this address.`,
      { label: 'Confirm', path: '/status/confirm', token },
      'The link works once, within a day. If the address gets alerts already, this replaces what it gets. If it was not you, do nothing.',
    ],
  }),
};

interface IncidentValues {
  readonly severity: IncidentSeverity;
  readonly title: string;
  readonly body: string;
  /** Of the unsubscribe link. */
  readonly token: string;
}

export const INCIDENT: MailTemplate<IncidentValues> = {
  name: 'status-incident',
  compose: ({ severity, title, body, token }) => ({
    subject: `[${severity}] ${title}`,
    parts: [body, { label: 'End these alerts', path: '/status/unsubscribe', token }],
  }),
};

export const STATUS_MAILS: readonly MailTemplate<never>[] = [CONFIRM_SUBSCRIPTION, INCIDENT];
