import { type Dialling, dialer } from './dialer.js';
import type { LibraryOptions } from './guarded-client.js';

const KEEP_ALIVE_MS = 10_000;

/**
 * What every connection asks of the client library: to make a socket when it is told to, and nothing else.
 *
 * @param connectMs for the socket, milliseconds
 */
export function connectionDefaults(dialling: Dialling, connectMs: number): LibraryOptions {
  return {
    Connector: dialer(dialling),
    // Only tells the library which event to wait for; the dialer knows the certificates.
    ...(dialling.tls ? { tls: {} } : {}),
    lazyConnect: true,
    // The greeting is ours (see handshake.ts), so the library gets no password, name or database.
    protocol: 2,
    enableReadyCheck: false,
    disableClientInfo: true,
    // Nothing waits in a queue and nothing is sent twice: an unknown outcome is reported as such.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    connectTimeout: connectMs,
    keepAlive: KEEP_ALIVE_MS,
  };
}
