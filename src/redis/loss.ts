import type { UnavailableReason } from './redis.errors.js';
import { HandshakeError, type Suspect } from './handshake-error.js';
import { reasonOf } from './unavailable-reason.js';

/** Why a connection could not be made or was lost, in words for a person. Holds no secret. */
export interface Loss {
  readonly reason: UnavailableReason;
  readonly detail: string;
  readonly suspect: Suspect;
}

const BY_REASON: Readonly<Record<UnavailableReason, readonly [string, Suspect]>> = {
  refused: ['nothing listens there', 'address'],
  timeout: ['the server did not answer in time', 'address'],
  reset: ['the connection was closed by the other side', 'address'],
  dns: ['the host name cannot be resolved', 'address'],
  auth: ['the server refused the user or the password', 'credentials'],
  noperm: ['the ACL user lacks a right', 'grants'],
  tls: ['the TLS handshake failed', 'authority'],
  readonly: ['the server takes no writes', 'server'],
  oom: ['the server has reached maxmemory', 'server'],
  misconf: ['the server is not set up for this purpose', 'server'],
  loading: ['the server is still loading its data', 'server'],
  busy: ['the server is running a script that does not end', 'server'],
  maxclients: ['the server has reached maxclients', 'server'],
  protocol: ['what answers is not a Redis server', 'address'],
  select: ['the database cannot be selected', 'database'],
  noreplicas: ['too few replicas take the writes', 'replicas'],
  clusterdown: ['a part of the cluster has no primary', 'server'],
  topology: ['the servers are not arranged as the settings say', 'topology'],
  other: ['the connection failed', 'address'],
};

/** TLS faults that the code tells apart; each has another remedy. */
const BY_TLS_CODE: readonly (readonly [RegExp, string, Suspect])[] = [
  // Alerts are what the other side says of us.
  [
    /ALERT_(UNKNOWN_CA|CERTIFICATE_(EXPIRED|UNKNOWN|REVOKED)|BAD_CERTIFICATE)/,
    'the server does not accept the client certificate',
    'client-certificate',
  ],
  [/CERT_HAS_EXPIRED/, "the server's certificate has expired", 'server'],
  [/CERT_NOT_YET_VALID/, "the server's certificate is not valid yet", 'server'],
  [/ALTNAME_INVALID|HOSTNAME_MISMATCH/, "the server's certificate is for another name", 'servername'],
  [/SELF_SIGNED|UNABLE_TO_/, "the server's certificate is not signed by a trusted authority", 'authority'],
  [
    /CERTIFICATE_REQUIRED|ALERT_HANDSHAKE_FAILURE/,
    'the server asks for a client certificate',
    'client-certificate',
  ],
  [
    /WRONG_VERSION|PACKET_LENGTH|EPROTO|UNEXPECTED_MESSAGE|RECORD_LAYER/,
    'the server does not speak TLS on that port',
    'scheme',
  ],
];

export function lossFrom(error: Error): Loss {
  if (error instanceof HandshakeError) return lossFor(error.reason, error.message, error.suspect);
  const reason = reasonOf(error);
  if (reason !== 'tls') return lossFor(reason);
  const code = `${(error as NodeJS.ErrnoException).code ?? ''} ${/alert number 116/.test(error.message) ? 'CERTIFICATE_REQUIRED' : ''}`;
  const known = BY_TLS_CODE.find(([pattern]) => pattern.test(code));
  return known ? { reason, detail: known[1], suspect: known[2] } : lossFor(reason);
}

export function lossFor(reason: UnavailableReason, detail?: string, suspect?: Suspect): Loss {
  const [text, usual] = BY_REASON[reason];
  return { reason, detail: detail ?? text, suspect: suspect ?? usual };
}
