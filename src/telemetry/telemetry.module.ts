import { Global, Module } from '@nestjs/common';
import { ConfigModule } from '../config/index.js';
import { systemClock } from '../kernel/time.js';
import { CLOCK } from './clock.js';
import { CompartmentNotes } from './compartment-notes.js';
import { LogSettings } from './log.config.js';
import { Metrics } from './metrics.js';

/** What the operator sees, and the clock. Global: every floor counts and measures. */
@Global()
@Module({
  imports: [ConfigModule.forFeature(LogSettings)],
  providers: [Metrics, CompartmentNotes, { provide: CLOCK, useValue: systemClock }],
  exports: [Metrics, CompartmentNotes, CLOCK],
})
export class TelemetryModule {}
