import type { Address } from '../dialer.js';
import { HandshakeError } from '../handshake-error.js';
import type { Naming } from './primary-memory.js';
import { type Informant, converse } from './scout.js';
import { readAddress } from './read-address.js';
import { describeAddress } from './topology.js';
import { notA } from './wrong-kind.js';

export interface SentinelAnswer extends Naming {
  readonly sentinel: Address;
  readonly failure?: HandshakeError;
}

/** How a Sentinel is talked to; tests play the answers. */
export type Converse = typeof converse;

/** Asks one Sentinel where the primary is. Never rejects. */
export async function askSentinel(
  informant: Informant,
  name: string,
  talk: Converse = converse,
): Promise<SentinelAnswer> {
  const sentinel = informant.address;
  try {
    const [master, address] = await talk(informant, (ask) =>
      Promise.all([ask('SENTINEL', 'MASTER', name), ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)]).catch(
        (error: Error) => refuse(error, sentinel, name),
      ),
    );
    return { sentinel, primary: readPrimary(address), epoch: readEpoch(master) };
  } catch (error) {
    return { sentinel, epoch: 0, failure: blameSentinel(error as HandshakeError, sentinel) };
  }
}

/** Host and port. Of a promotion that is under way the Sentinel that leads it names the new primary here only. */
function readPrimary(reply: unknown): Address {
  const [host, port] = Array.isArray(reply) ? (reply as unknown[]) : [];
  const primary = readAddress(host, port);
  if (!primary)
    throw new HandshakeError('protocol', 'the Sentinel does not say where the primary is', 'nodes');
  return primary;
}

/** From SENTINEL MASTER, which gives names and values in turn. */
function readEpoch(reply: unknown): number {
  const words = Array.isArray(reply) ? reply.map(String) : [];
  const epoch = Number(words[words.indexOf('config-epoch') + 1]);
  return Number.isSafeInteger(epoch) ? epoch : 0;
}

function refuse(error: Error, sentinel: Address, name: string): never {
  if (error instanceof HandshakeError) throw error;
  const where = describeAddress(sentinel);
  if (/No such master/i.test(error.message)) {
    throw new HandshakeError(
      'topology',
      `the Sentinel at ${where} knows no primary named ${name}`,
      'sentinel-name',
    );
  }
  if (/unknown command/i.test(error.message)) throw notA('Sentinel', where);
  throw error;
}

/** Names the Sentinel, and the settings that are its own. */
function blameSentinel({ reason, message, suspect }: HandshakeError, sentinel: Address): HandshakeError {
  if (reason === 'topology') return new HandshakeError(reason, message, suspect);
  const who = `the Sentinel at ${describeAddress(sentinel)}`;
  if (reason === 'auth')
    return new HandshakeError(reason, `${who} refused the user or the password`, 'sentinel-credentials');
  if (reason === 'noperm') {
    const what = 'grants no SENTINEL MASTER or GET-MASTER-ADDR-BY-NAME';
    return new HandshakeError(reason, `${who} ${what}`, 'sentinel-grants');
  }
  return new HandshakeError(reason, `${who}: ${message}`, suspect);
}
