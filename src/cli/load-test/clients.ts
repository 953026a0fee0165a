/** The default policy of the application, for servers that do not announce theirs. */
export const DEFAULT_PER_MINUTE = 300;

/** How much of its limit a client uses, so that a driver that catches up after a pause stays inside it. */
const SHARE_USED = 0.8;
const MOST_CLIENTS = 1000;
/** 127.0.0.2 to 127.0.0.254, then 127.0.1.2 and so on: every address of 127/8 is this machine's on Linux. */
const ADDRESSES_PER_BLOCK = 253;

/** From how many addresses the requests come. */
export interface Clients {
  readonly count: number;
  readonly perMinuteEach: number;
  /** What one of them may send. */
  readonly limitPerMinute: number;
  /** Whether each keeps inside its limit, so that no answer should be 429. */
  readonly insideLimits: boolean;
  /** Source address of a request; undefined: the one that the system chooses. */
  readonly addressOf: (index: number) => string | undefined;
}

/**
 * @param many whether each client may be an address of its own, that is on loopback
 */
export function clientsFor(ratePerSecond: number, limitPerMinute: number, many: boolean): Clients {
  const perMinute = ratePerSecond * 60;
  const wanted = Math.max(1, Math.ceil(perMinute / (limitPerMinute * SHARE_USED) - 1e-6));
  const count = many ? Math.min(MOST_CLIENTS, wanted) : 1;
  const perMinuteEach = perMinute / count;
  return {
    count,
    perMinuteEach,
    limitPerMinute,
    // One address alone may use its limit up: at a steady pace exactly the quota passes.
    insideLimits: perMinuteEach <= limitPerMinute + 1e-6,
    addressOf: (index) => (many ? loopbackAddress(index % count) : undefined),
  };
}

export function loopbackAddress(client: number): string {
  const block = Math.floor(client / ADDRESSES_PER_BLOCK);
  return `127.0.${block}.${2 + (client % ADDRESSES_PER_BLOCK)}`;
}

/**
 * The tightest of the limits that an answer announces in `RateLimit-Policy`, per minute; undefined when it
 * announces none that counts requests.
 */
export function announcedPerMinute(header: string | undefined): number | undefined {
  const rates = (header ?? '').split(',').flatMap((item) => {
    if (/;\s*qu="(?!requests")/.test(item)) return [];
    const quota = /;\s*q=(\d{1,15})\b/.exec(item)?.[1];
    const window = /;\s*w=(\d{1,15})\b/.exec(item)?.[1];
    return quota === undefined || window === undefined ? [] : [(Number(quota) * 60) / Number(window)];
  });
  const usable = rates.filter((rate) => rate > 0 && Number.isFinite(rate));
  return usable.length === 0 ? undefined : Math.min(...usable);
}
