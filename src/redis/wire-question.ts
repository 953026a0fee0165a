import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { randomBytes } from 'node:crypto';
import type { RedisTarget } from './connection-url.js';
import type { LiveAccess } from './live-access.js';
import type { Proof } from './status.types.js';
import { expectedName, tlsOptions } from './tls-material.js';

/**
 * Questions put to a server on a socket of their own, without credentials and without the client library:
 * does it let anybody in, and does it speak TLS at all?
 */
export interface WireAddress {
  readonly target: RedisTarget;
  readonly access: LiveAccess;
  readonly timeoutMs: number;
}

/**
 * Whether the server really asks for the password it was given. A server without one lets every client in
 * and answers a client that brings a password just as well, so only a try without it can tell.
 */
export async function proveAccessControl(address: WireAddress): Promise<Proof> {
  const contradicted = (detail: string): Proof => ({ fact: 'anonymous', verdict: 'contradicted', detail });
  const anonymous = await firstLine(address, 'PING');
  if (anonymous?.startsWith('+PONG')) return contradicted('the server lets anybody in without a password');
  if (!anonymous?.match(/^-(NOAUTH|DENIED|NOPERM)/)) return unprovable();
  const { user } = address.access;
  const guessed = await firstLine(address, 'AUTH', user, randomBytes(12).toString('hex'));
  if (guessed?.startsWith('+OK')) return contradicted(`the server takes any password for user ${user}`);
  if (!guessed?.startsWith('-WRONGPASS')) return unprovable();
  return { fact: 'anonymous', verdict: 'proven', detail: 'refused without the right password' };
}

function unprovable(): Proof {
  return { fact: 'anonymous', verdict: 'unprovable', detail: 'the server gave no answer that tells' };
}

/** Whether the other side speaks the other of plain and TLS than the URL says. Undefined: cannot tell. */
export async function schemeMismatch(
  address: WireAddress,
): Promise<'speaks plain' | 'speaks TLS' | undefined> {
  if (address.target.tls) {
    const plain = { ...address, target: { ...address.target, tls: false } };
    return (await firstLine(plain, 'PING'))?.match(/^[+-]/) ? 'speaks plain' : undefined;
  }
  return (await tlsAnswers(address)) ? 'speaks TLS' : undefined;
}

/** No server's answer to these questions is longer. */
const LONGEST_LINE = 4096;

function tlsAnswers({ target, access, timeoutMs }: WireAddress): Promise<boolean> {
  const { host, port } = target;
  return new Promise((resolve) => {
    // Whose certificate it is does not matter here; nothing is sent over this socket.
    const anybody = {
      host,
      port,
      ...expectedName(access.tls, host),
      rejectUnauthorized: false,
    };
    const socket = connectTls(anybody);
    const deadline = setTimeout(() => finish(false), timeoutMs);
    const finish = (speaks: boolean) => {
      clearTimeout(deadline);
      socket.destroy();
      resolve(speaks);
    };
    socket.once('secureConnect', () => finish(true));
    socket.once('error', (error) => finish(/alert/i.test(error.message)));
    socket.once('close', () => finish(false));
  });
}

/** Sends one command and gives the first line of the answer; undefined when none comes. */
function firstLine(
  { target, access, timeoutMs }: WireAddress,
  ...words: string[]
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const { host, port } = target;
    const socket: Socket = target.tls
      ? connectTls({ host, port, ...tlsOptions(access.tls, host) })
      : connectPlain({ host, port });
    let received = '';
    // Not the socket's own time-out, which a server that trickles bytes would put off for ever.
    const deadline = setTimeout(() => finish(), timeoutMs);
    const finish = (line?: string) => {
      clearTimeout(deadline);
      socket.destroy();
      resolve(line);
    };
    socket.once(target.tls ? 'secureConnect' : 'connect', () => socket.write(frame(words)));
    socket.on('data', (data: Buffer) => {
      received += data.toString('latin1');
      if (received.includes('\r\n')) finish(received.slice(0, received.indexOf('\r\n')));
      else if (received.length > LONGEST_LINE) finish();
    });
    socket.once('error', () => finish());
    socket.once('close', () => finish());
  });
}

/** As the protocol frames a command, so that a name with a space or a line break stays one word. */
function frame(words: readonly string[]): string {
  const bulks = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${bulks.join('')}`;
}
