import { AbstractConnector } from 'ioredis';
import { type Socket, connect as connectPlain, Socket as PlainSocket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { LiveAccess } from './live-access.js';
import { tlsOptions } from './tls-material.js';

/** One server as a socket finds it. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Dialling {
  readonly tls: boolean;
  readonly access: LiveAccess;
  /** Asked before every attempt: after a fail-over the purpose lives somewhere else. */
  readonly locate: () => Promise<Address>;
}

/**
 * The client library's way to a socket. Its own connectors read address and certificates once; here both are
 * asked for at each attempt. Where no address can be found the attempt fails as a connect would, so that
 * the library goes on trying.
 */
export function dialer(dialling: Dialling) {
  return class Dialer extends AbstractConnector {
    constructor() {
      super(0);
    }

    async connect(): Promise<Socket> {
      this.connecting = true;
      // Read by the library where the socket has ended before it looks.
      delete this.firstError;
      const stream = await this.dial();
      if (!this.connecting) {
        stream.destroy();
        throw new Error('Connection is closed.');
      }
      this.stream = stream;
      return stream;
    }

    private async dial(): Promise<Socket> {
      const { tls, access, locate } = dialling;
      try {
        await access.keeper?.prepare();
        const { host, port } = await locate();
        const stream = tls
          ? connectTls({ host, port, ...tlsOptions(access.tls, host) })
          : connectPlain({ host, port });
        // Listened to at once: the library adds its own listener a few turns later.
        stream.once('error', (error: Error) => (this.firstError = error));
        return stream;
      } catch (error) {
        this.firstError = error as Error;
        return new PlainSocket().destroy();
      }
    }
  };
}
