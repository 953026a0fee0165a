import { Injectable, Logger } from '@nestjs/common';
import { CompartmentNotes } from '../../telemetry/index.js';
import { type BacklogDepth, BillingBacklog } from './billing-backlog.js';
import { Projector } from './projector.js';
import { ProjectorSettings } from './projector.config.js';

const PURPOSE = 'billingEvents';

/** Tells readiness and the log when what SQL knows of billing is old. */
@Injectable()
export class ProjectorNotes {
  private readonly logger = new Logger('BillingBacklog');
  private high = false;

  constructor(
    private readonly settings: ProjectorSettings,
    backlog: BillingBacklog,
    projector: Projector,
    notes: CompartmentNotes,
  ) {
    backlog.onReading((depth) => this.judge(depth));
    notes.add(PURPOSE, () => (projector.waitsForSql ? 'projector-waits-for-sql' : undefined));
    notes.add(PURPOSE, () => (this.high ? 'projector-backlog' : undefined));
  }

  /** One line when it begins and one when it ends. */
  private judge({ entries, oldestAgeMs }: BacklogDepth): void {
    const { warnEntries, warnAgeMs } = this.settings;
    const high = entries > warnEntries || oldestAgeMs > warnAgeMs;
    if (high === this.high) return;
    this.high = high;
    const facts = { purpose: PURPOSE, entries, oldest_age_ms: oldestAgeMs };
    if (high)
      this.logger.warn(
        'The projector is behind: what SQL knows of billing is old. Look at SQL; if it is well, add instances.',
        facts,
      );
    else this.logger.log('The projector has caught up', facts);
  }
}
