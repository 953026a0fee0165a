import { describe, expect, it } from 'vitest';
import { Secret } from '../kernel/redact.js';
import { type Greeting, greet, loginRefused } from './handshake.js';
import { HandshakeError } from './handshake-error.js';
import { PURPOSES } from './purposes.js';

const replyError = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' });

const GREETING: Greeting = {
  username: 'user',
  password: new Secret('s3cret'),
  db: 0,
  clientName: 'bulkhead:rateLimit:command:host:1',
  definition: PURPOSES.rateLimit,
  further: [],
  probeKey: 'rl:__proof',
};

/** What greeting a server comes to that answers every command like this. */
const refusalOf = async (message: string, greeting: Greeting = GREETING): Promise<HandshakeError> => {
  const outcome = await greet(() => Promise.reject(replyError(message)), greeting).catch(
    (error: unknown) => error,
  );
  if (!(outcome instanceof HandshakeError)) throw new Error('was let in');
  return outcome;
};

describe('a server that refuses the login', () => {
  it.each([
    ['WRONGPASS invalid username-password pair', 'auth', 'the server refused the user or the password'],
    ['ERR max number of clients reached', 'maxclients', 'the server has reached maxclients'],
    ['LOADING Redis is loading the dataset in memory', 'loading', 'the server is still loading its data'],
    ['BUSY Redis is busy running a script', 'busy', 'the server is running a script that does not end'],
    ['NOPERM this user has no permissions', 'noperm', 'the ACL user lacks a right'],
    ['ERR syntax error', 'other', 'the server refused AUTH'],
  ])('with %j is not said to do so for the password, unless it does', async (message, reason, detail) => {
    const refusal = await refusalOf(message);
    expect([refusal.reason, refusal.message]).toEqual([reason, detail]);
    expect(loginRefused(replyError(message))).toEqual(refusal);
  });

  it('shows neither what it said nor the password', async () => {
    const refusal = await refusalOf('WRONGPASS for s3cret');
    expect(refusal.message).not.toContain('s3cret');
  });

  it('that was given none is said to ask for one', async () => {
    const { username: _, password: __, ...anonymous } = GREETING;
    const refusal = await refusalOf('NOAUTH Authentication required.', anonymous);
    expect(refusal.message).toBe('the server asks for a password, and none is set');
  });
});
