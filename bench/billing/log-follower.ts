import { Redis } from 'ioredis';
import { LOG_KEY } from '../../src/billing/log/keys.js';
import type { LogEntry } from '../../src/billing/log/log-entry.js';
import { readEntry } from '../../src/billing/log/read-entry.js';

/** Hands out what is appended from now on, as one read of the log gives it. */
export async function followLog(url: string, take: (batch: readonly LogEntry[]) => void): Promise<void> {
  const redis = new Redis(url);
  const [newest] = await redis.xrevrange(LOG_KEY, '+', '-', 'COUNT', 1);
  void follow(redis, newest?.[0] ?? '0-0', take);
}

async function follow(redis: Redis, from: string, take: (batch: readonly LogEntry[]) => void): Promise<void> {
  for (let last = from; ;) {
    const reply = await redis.xread('COUNT', 512, 'BLOCK', 5000, 'STREAMS', LOG_KEY, last);
    const entries = reply?.[0]?.[1] ?? [];
    last = entries.at(-1)?.[0] ?? last;
    take(entries.flatMap(([id, fields]) => readEntry(id, fields) ?? []));
  }
}
