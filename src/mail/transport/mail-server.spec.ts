import { describe, expect, it } from 'vitest';
import { mailServerOf } from './mail-server.js';

describe('MAIL_URL', () => {
  it.each([
    ['smtp://mail.example.com', { host: 'mail.example.com', port: 587, secure: false }],
    ['smtps://mail.example.com', { host: 'mail.example.com', port: 465, secure: true }],
    ['smtp://u%40x:p%2F@[::1]:2525', { host: '::1', port: 2525, user: 'u@x', password: 'p/' }],
  ])('%s', (text, server) => {
    expect(mailServerOf(text)).toMatchObject(server);
  });

  it.each(['http://x', 'mail.example.com', 'smtp://', 'smtp://x/path', 'smtp://x?pool=1', 'smtp://%zz@x'])(
    'refuses %s, and quotes nothing of it',
    (text) => {
      expect(() => mailServerOf(text)).toThrow(/^must /);
    },
  );
});
