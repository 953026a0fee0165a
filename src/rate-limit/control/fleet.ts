import type { InstanceCount } from './instance-count.js';
import type { StoreFacts } from './rate-limit-store.js';

/** Instances that share the limits wherever they are counted in memory, this one included. */
export class Fleet {
  /**
   * @param setting RATE_LIMIT_INSTANCES, which has the last word
   * @param heartbeat undefined where there is no Redis to count in
   */
  constructor(
    private readonly setting: number | undefined,
    private readonly heartbeat: InstanceCount | undefined,
  ) {}

  /** As a value, because it is handed on. */
  readonly size = (): number => this.setting ?? this.heartbeat?.last ?? 1;

  report(): StoreFacts['instances'] {
    const source =
      this.setting !== undefined ? 'setting' : this.heartbeat?.last === undefined ? 'assumed' : 'heartbeat';
    return { count: this.size(), source };
  }
}
