/**
 * What the benchmarks use of the packages they compare with. Declared here, because those belong to bench/package.json
 * and are not there when the product is type-checked.
 */

declare module 'better-sse' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export interface Session {
    readonly isConnected: boolean;
  }
  export interface Channel {
    register(session: Session): void;
    broadcast(data: unknown, eventName: string, options: { eventId: string }): void;
  }
  export function createChannel(): Channel;
  export function createSession(
    request: IncomingMessage,
    response: ServerResponse,
    options: { serializer: (data: unknown) => string },
  ): Promise<Session>;
}
