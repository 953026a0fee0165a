/** The transport that mails leave by. */
export const MAIL_TRANSPORT = Symbol('mail:transport');
