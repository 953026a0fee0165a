export type { MailContent, MailLink, MailTemplate } from './mail-content.js';
export { MailModule } from './mail.module.js';
export { MailOutbox, type NewMail } from './mail-outbox.js';
export { MailSettings } from './mail.config.js';
export { KeptMails, type KeptMail } from './transport/kept-mails.js';
