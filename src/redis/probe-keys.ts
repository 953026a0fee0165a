import type { CompartmentLanes } from './compartment-lanes.js';
import type { UnavailableReason } from './redis.errors.js';
import { WrongAnswerError } from './write-probe.js';

const TTL_MS = 30_000;

interface Attempt {
  /** The key that failed first. */
  failed: string | undefined;
}

/** The write probe's keys, one on each server of a purpose, and which of them could not be written. */
export class ProbeKeys {
  private latest: Attempt = { failed: undefined };

  constructor(
    private readonly lanes: Pick<CompartmentLanes, 'all' | 'beat' | 'of'>,
    private readonly base: string,
  ) {}

  /** Rejects as the first write that fails. @throws WrongAnswerError for an answer that Redis does not give */
  async write(): Promise<void> {
    // The probe uses the command lane only.
    this.lanes.beat();
    const keys = this.lanes.of('command').probeKeys(this.base);
    // Writes of an earlier attempt may still fail.
    const attempt: Attempt = { failed: undefined };
    this.latest = attempt;
    await Promise.all(keys.map((key) => this.writeOne(key, attempt)));
  }

  /** Ends the connections to the server whose key failed; the others of a cluster have answered. */
  dropFailed(reason: UnavailableReason): void {
    for (const lane of this.lanes.all) lane.drop(reason, this.latest.failed);
  }

  private async writeOne(key: string, attempt: Attempt): Promise<void> {
    try {
      const answer: unknown = await this.lanes.of('command').client.set(key, '1', 'PX', TTL_MS);
      if (answer !== 'OK') throw new WrongAnswerError();
    } catch (error) {
      attempt.failed ??= key;
      throw error;
    }
  }
}
