import type { MailTemplate } from '../mail/index.js';

/** The mails of accounts. None says a name or an address of the owner: it may reach somebody else. */

interface WithToken {
  readonly token: string;
}
type Plain = Readonly<Record<never, never>>;

const NOT_YOU = 'If that was not you, choose a new password and look through your sessions.';

export const VERIFY_EMAIL: MailTemplate<WithToken> = {
  name: 'verify-email',
  compose: ({ token }) => ({
    subject: 'Confirm your e-mail address',
    parts: [
      'Somebody, probably you, has used this address for an account.',
      { label: 'Confirm the address', path: '/verify-email', token },
      'The link works once, within an hour. If it was not you, do nothing.',
    ],
  }),
};

export const ALREADY_REGISTERED: MailTemplate<Plain> = {
  name: 'already-registered',
  compose: () => ({
    subject: 'You have an account already',
    parts: [
      'Somebody, probably you, wanted to open an account with this address, which has one.',
      { label: 'Log in', path: '/login' },
      { label: 'Choose a new password', path: '/forgot-password' },
    ],
  }),
};

export const CHANGE_EMAIL: MailTemplate<WithToken> = {
  name: 'change-email',
  compose: ({ token }) => ({
    subject: 'Confirm your new e-mail address',
    parts: [
      'An account is to get this address.',
      { label: 'Confirm the new address', path: '/verify-email', token },
      'The link works once, within an hour. If you do not know why you get this, do nothing.',
    ],
  }),
};

export const EMAIL_CHANGING: MailTemplate<Plain> = {
  name: 'email-changing',
  compose: () => ({
    subject: 'Your e-mail address is to be changed',
    parts: ['Your account is about to get another e-mail address.', NOT_YOU],
  }),
};

export const EMAIL_CHANGED: MailTemplate<Plain> = {
  name: 'email-changed',
  compose: () => ({
    subject: 'Your e-mail address was changed',
    parts: ['Your account has another e-mail address now; this one is no longer used.', NOT_YOU],
  }),
};

export const RESET_PASSWORD: MailTemplate<WithToken> = {
  name: 'reset-password',
  compose: ({ token }) => ({
    subject: 'Choose a new password',
    parts: [
      'Somebody, probably you, has asked for a new password.',
      { label: 'Choose a new password', path: '/reset-password', token },
      'The link works once, within half an hour. If it was not you, do nothing: your password stays.',
    ],
  }),
};

export const PASSWORD_CHANGED: MailTemplate<Plain> = {
  name: 'password-changed',
  compose: () => ({
    subject: 'Your password was changed',
    parts: ['Your account has a new password, and other sessions have ended.', NOT_YOU],
  }),
};

export const REFRESH_REUSED: MailTemplate<Plain> = {
  name: 'refresh-reused',
  compose: () => ({
    subject: 'One of your sessions was ended',
    parts: [
      'A token of one of your sessions was used twice, as happens when somebody has copied it. We have ended that session.',
      'Log in again. If this happens once more, choose a new password.',
    ],
  }),
};

export const INVITATION: MailTemplate<WithToken & { readonly tenant: string }> = {
  name: 'invitation',
  compose: ({ token, tenant }) => ({
    subject: 'You are invited',
    parts: [
      `You are invited to become a member of "${tenant}".`,
      { label: 'Accept the invitation', path: '/accept-invitation', token },
      'The link works once, within seven days.',
    ],
  }),
};

export const AUTH_MAILS: readonly MailTemplate<never>[] = [
  VERIFY_EMAIL,
  ALREADY_REGISTERED,
  CHANGE_EMAIL,
  EMAIL_CHANGING,
  EMAIL_CHANGED,
  RESET_PASSWORD,
  PASSWORD_CHANGED,
  REFRESH_REUSED,
  INVITATION,
];
