import { BARE_SERVERS } from './bare-servers.js';
import { BARE_WEBHOOK } from './bare-webhook.js';
import type { Contestant } from './contestant.js';
import { LIBRARY_SERVERS } from './library-servers.js';
import { OUR_SERVERS, OUR_WEBHOOK } from './our-server.js';

type Contestants = Readonly<Record<string, Contestant>>;

/** All servers of event streams, in the order of the report. */
export const STREAM_SERVERS: Contestants = { ...BARE_SERVERS, ...LIBRARY_SERVERS, ...OUR_SERVERS };

/** All that take deliveries; the first is what the others are compared with. */
export const WEBHOOK_SERVERS: Contestants = { ...BARE_WEBHOOK, ...OUR_SERVERS, ...OUR_WEBHOOK };

export const SERVERS: Contestants = { ...STREAM_SERVERS, ...WEBHOOK_SERVERS };
