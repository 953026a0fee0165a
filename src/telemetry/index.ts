export { CLOCK } from './clock.js';
export { CountSeries, FastCounter } from './fast-counter.js';
export { HistogramObserver, HistogramSeries } from './histogram-series.js';
export { LOG_LEVELS, LogSettings } from './log.config.js';
export { AppLogger, createLogger } from './logger.js';
export { Metrics } from './metrics.js';
export { RepeatGuard } from './repeat-guard.js';
export { type RequestRecord, requestContext } from './request-context.js';
export { TelemetryModule } from './telemetry.module.js';
