import { printable } from '../kernel/redact.js';

/** Longer than any version, user or policy; what a hostile server says goes into logs and reports. */
const LONGEST_FACT = 120;

/** What a server says of itself and of this connection, right after the connection was made. */
export interface ServerFacts {
  readonly db?: number;
  readonly user?: string;
  readonly clientName?: string;
  readonly version?: string;
  readonly runId?: string;
  /** Of all primaries of a cluster. */
  readonly runIds?: readonly string[];
  readonly role?: string;
  /** standalone, cluster or sentinel. */
  readonly mode?: string;
  /** Shown only where the server itself refuses writes that too few replicas would get. */
  readonly goodReplicas?: number;
  readonly evictionPolicy?: string;
  readonly aof?: boolean;
  readonly loading?: boolean;
  /** Commands of the row that the server refuses this user. */
  readonly refusedCommands?: readonly string[];
  /** Expiry of the server's certificate, milliseconds since the epoch. */
  readonly certificateExpiresMs?: number;
}

/** Reads `CLIENT INFO`: one line of `key=value` words. */
export function readClientInfo(text: string): Pick<ServerFacts, 'db' | 'user' | 'clientName'> {
  const fields = new Map(
    text
      .trim()
      .split(' ')
      .map((word) => splitAt(word, '=')),
  );
  const db = fields.get('db');
  const user = fields.get('user');
  const clientName = fields.get('name');
  return {
    ...(db === undefined ? {} : { db: Number(db) }),
    ...(user ? { user } : {}),
    ...(clientName ? { clientName } : {}),
  };
}

/** Reads `INFO`. Managed services leave fields out; a missing field is a fact that cannot be proven. */
export function readServerInfo(
  text: string,
): Pick<
  ServerFacts,
  'version' | 'runId' | 'role' | 'mode' | 'goodReplicas' | 'evictionPolicy' | 'aof' | 'loading'
> {
  const fields = new Map(text.split(/\r?\n/).map((line) => splitAt(line, ':')));
  const take = (name: string) => fields.get(name) || undefined;
  const version = take('redis_version');
  const runId = take('run_id');
  const role = take('role');
  const evictionPolicy = take('maxmemory_policy');
  const aof = take('aof_enabled');
  const loading = take('loading');
  const mode = take('redis_mode');
  const goodReplicas = take('min_slaves_good_slaves');
  return {
    ...(version === undefined ? {} : { version }),
    ...(runId === undefined ? {} : { runId }),
    ...(role === undefined ? {} : { role }),
    ...(mode === undefined ? {} : { mode }),
    ...(goodReplicas === undefined ? {} : { goodReplicas: Number(goodReplicas) }),
    ...(evictionPolicy === undefined ? {} : { evictionPolicy }),
    ...(aof === undefined ? {} : { aof: aof === '1' }),
    ...(loading === undefined ? {} : { loading: loading !== '0' }),
  };
}

function splitAt(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), printable(text.slice(at + 1).trim(), LONGEST_FACT)];
}
