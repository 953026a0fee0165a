import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../quantile.js';
import { BenchHouse, post } from './house.js';

const LOGINS = 200;
const BURSTS = 5;
const PAUSE_MS = 5;
const TARGET_P99_MS = 100;
/** Longer than the queue of hashes lets anybody wait. */
const REST_MS = 3000;

/** A burst of logins must not keep the application from saying that it lives. */
export async function loginBurst(): Promise<void> {
  const house = await BenchHouse.open();
  const { helper, origin } = await house.start();
  await helper.tell({ do: 'accounts', name: 'b', count: LOGINS });
  const delays: number[] = [];
  const statuses = new Map<number, number>();
  for (let burst = -1; burst < BURSTS; burst += 1) {
    const watch = new LiveWatch(`${origin}/livez`);
    const logins = Array.from({ length: LOGINS }, (_, n) =>
      post(`${origin}/v1/auth/token`, { email: `b${n}@example.org`, password: 'lantern oyster hill' }),
    );
    for (const { status } of await Promise.all(logins)) {
      if (burst >= 0) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    const seen = await watch.stop();
    // The first burst warms up and is not counted.
    if (burst >= 0) delays.push(...seen);
    await sleep(REST_MS);
  }
  await house.close();
  const told = [...statuses].map(([status, times]) => `${times} × ${status}`).join(', ');
  process.stdout.write(
    `\n${BURSTS} bursts of ${LOGINS} logins: ${told}\n/livez meanwhile  p50 ${quantile(delays, 0.5).toFixed(1)} ms  ` +
      `p99 ${quantile(delays, 0.99).toFixed(1)} ms  of ${delays.length}, target p99 < ${TARGET_P99_MS} ms\n`,
  );
}

/** Asks again and again until it is stopped. */
class LiveWatch {
  private readonly delays: number[] = [];
  private going = true;
  private readonly end: Promise<void>;

  constructor(private readonly url: string) {
    this.end = this.walk();
  }

  async stop(): Promise<readonly number[]> {
    this.going = false;
    await this.end;
    return this.delays;
  }

  private async walk(): Promise<void> {
    while (this.going) {
      const startMs = performance.now();
      const response = await fetch(this.url);
      await response.arrayBuffer();
      if (response.status !== 200) throw new Error(`/livez answered ${response.status}`);
      this.delays.push(performance.now() - startMs);
      await sleep(PAUSE_MS);
    }
  }
}
