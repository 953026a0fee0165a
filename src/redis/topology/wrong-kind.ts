import { HandshakeError } from '../handshake-error.js';

/** How one of the servers in the settings fared when it was asked. */
export interface FirstAnswer {
  readonly failure?: HandshakeError;
}

/** For a server that answers, but as no Sentinel or no node of a cluster does. */
export function notA(kind: 'Sentinel' | 'node of a cluster', address: string): HandshakeError {
  return new HandshakeError('topology', `the server at ${address} is no ${kind}`);
}

/**
 * Looks for servers that are not what the topology says, and for the setting that names them: the topology itself
 * where all are of the wrong kind, else the URL or the list beside it.
 *
 * @param answers that of the server in the URL first
 */
export function wrongKind(answers: readonly FirstAnswer[]): HandshakeError | undefined {
  const told = answers.filter(({ failure }) => failure === undefined || failure.reason === 'topology');
  const wrong = told.flatMap(({ failure }) => (failure && failure.suspect === undefined ? failure : []));
  const [first] = wrong;
  // Of the right kind, but set up for something else.
  if (!first) return told.find(({ failure }) => failure)?.failure;
  const beside = answers[0]?.failure === first ? 'address' : 'nodes';
  const suspect = wrong.length === told.length ? 'topology' : beside;
  return new HandshakeError('topology', first.message, suspect);
}
