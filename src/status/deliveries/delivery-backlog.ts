import { Inject, Injectable } from '@nestjs/common';
import { DueGauges, FeatureDatabase, InjectDatabase } from '../../database/index.js';
import type { Clock } from '../../kernel/time.js';
import { CLOCK, Metrics } from '../../telemetry/index.js';
import { statusDeliveries as table } from '../status.tables.js';
import { DELIVERY_SHARES } from './delivery-shares.js';

/** How many alerts wait, and for how long. */
@Injectable()
export class DeliveryBacklog {
  readonly gauges: readonly DueGauges[];

  constructor(
    @InjectDatabase('status') database: FeatureDatabase,
    @Inject(CLOCK) clock: Clock,
    metrics: Metrics,
  ) {
    this.gauges = DELIVERY_SHARES.map(
      ({ name, only }) => new DueGauges({ name, only, database, table, clock, metrics }),
    );
  }
}
