export { CLOCK } from './clock.js';
export { CountSeries, FastCounter } from './fast-counter.js';
export { LatencyObserver, LatencySeries } from './latency-series.js';
export { LOG_LEVELS, LogSettings } from './log.config.js';
export { AppLogger, createLogger } from './logger.js';
export { LATENCY_BUCKETS_SECONDS, Metrics } from './metrics.js';
export { RepeatGuard } from './repeat-guard.js';
export { type RequestRecord, requestContext } from './request-context.js';
export { TelemetryModule } from './telemetry.module.js';
