import type { LogEntry } from '../../src/billing/log/log-entry.js';

/** What a server under test stands on; its log is its own. */
export interface Ground {
  readonly billingUrl: string;
  /** Redis for everything but billing. */
  readonly redisUrl: string;
  readonly databaseUrl: string;
  /** Name and secret of Stripe's endpoint. */
  readonly webhookSecret: string;
}

/** Where its streams are. */
export interface Address {
  readonly port: number;
  readonly path: string;
  /** What clients show in turn; empty where nobody is asked. */
  readonly tokens: readonly string[];
  /** Whose events they see; undefined: everybody sees everything. */
  readonly tenantId?: string;
}

/** A server, of event streams or of deliveries; one of streams reads the log once for all its clients. */
export interface Contestant {
  readonly title: string;
  /** Goes on from Last-Event-ID. */
  readonly resumes?: boolean;
  readonly open: (ground: Ground) => Promise<Address>;
}

/** The text of one event, the same for all contestants that write it themselves. */
export function eventText({ id, tenantSequence, type, data }: LogEntry): string {
  return `id: ${id}.${tenantSequence}\nevent: ${type}\ndata: ${data}\n\n`;
}
