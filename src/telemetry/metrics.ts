import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { FastCounter } from './fast-counter.js';
import { LatencySeries } from './latency-series.js';

/** Seconds. From a tenth of a millisecond: a Redis command on a local network takes two to five of them. */
export const LATENCY_BUCKETS_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

/**
 * Every metric of the application, declared once: name, help, labels. Labels are bounded: purposes, lanes,
 * reasons, outcomes and policy names are closed sets. Features add values, not metrics of their own names.
 */
@Injectable()
export class Metrics {
  readonly registry = new Registry();

  readonly redisConnectionAttempts = this.counter(
    'infra_redis_connection_attempts_total',
    'Connection attempts by purpose, engine, lane and outcome.',
    ['purpose', 'mode', 'context', 'outcome'],
  );
  readonly redisConnectionDuration = this.histogram(
    'infra_redis_connection_duration_seconds',
    'Time from the start of a connection attempt until the purpose was proven usable.',
    ['purpose', 'context'],
  );
  readonly redisConnectionErrors = this.counter(
    'infra_redis_connection_errors_total',
    'Lost or refused connections by reason.',
    ['purpose', 'context', 'reason'],
  );
  readonly redisCredentialRotations = this.counter(
    'infra_redis_credential_rotations_total',
    'New credentials or certificates at run time, by what became of them.',
    ['purpose', 'outcome'],
  );
  readonly redisFallback = this.counter(
    'infra_redis_fallback_total',
    'Decisions answered by the in-process substitute instead of Redis.',
    ['purpose', 'reason'],
  );
  /** On the path of every command, hence the fast kind: callers keep `child(labels)`. */
  readonly redisCommands = new FastCounter({
    name: 'infra_redis_commands_total',
    help: 'Commands by outcome: ok, error, timeout, or rejected before they were sent.',
    labelNames: ['purpose', 'context', 'outcome'],
  }).register(this.registry);
  readonly redisCommandDuration = new LatencySeries({
    name: 'infra_redis_command_duration_seconds',
    help: 'Time from the call until its answer or failure.',
    labelNames: ['purpose', 'context'],
    buckets: LATENCY_BUCKETS_SECONDS,
  }).register(this.registry);
  readonly redisUp = this.gauge('infra_redis_up', '1 while the write probe of the purpose succeeds.', [
    'purpose',
  ]);
  readonly redisMode = this.gauge('infra_redis_mode', '1 for the engine in use.', [
    'purpose',
    'mode',
    'profile',
  ]);
  readonly redisInFlight = this.gauge('infra_redis_inflight_commands', 'Commands waiting for an answer.', [
    'purpose',
    'context',
  ]);
  readonly redisLanes = this.gauge('infra_redis_lanes', 'Open connections by lane.', ['purpose', 'context']);
  readonly redisProbeAge = this.gauge(
    'infra_redis_probe_age_seconds',
    'Seconds since the last finished write probe.',
    ['purpose'],
  );
  readonly redisSharedTarget = this.gauge(
    'infra_redis_shared_target',
    '1 while the purpose shares its server with another one.',
    ['purpose'],
  );
  readonly redisCertificateExpiry = this.gauge(
    'infra_redis_tls_peer_not_after_seconds',
    'Expiry of the server certificate, seconds since the epoch; absent without TLS.',
    ['purpose'],
  );
  /** Twice per request and more, so these are of the fast kind as well. */
  readonly rateLimitDecisions = new FastCounter({
    name: 'rate_limit_decisions_total',
    help: 'Rate-limit decisions by policy, state and the backend that decided.',
    labelNames: ['policy', 'state', 'backend'],
  }).register(this.registry);
  readonly rateLimitDuration = new LatencySeries({
    name: 'rate_limit_decision_duration_seconds',
    help: 'Time to decide, by backend.',
    labelNames: ['backend'],
    buckets: LATENCY_BUCKETS_SECONDS,
  }).register(this.registry);
  readonly rateLimitRemaining = new LatencySeries({
    name: 'rate_limit_remaining_ratio',
    help: 'Fraction of the tightest limit of a policy that was left after a decision.',
    labelNames: ['policy'],
    buckets: [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1],
  }).register(this.registry);
  readonly rateLimitShadow = new FastCounter({
    name: 'rate_limit_shadow_denials_total',
    help: 'Decisions that a policy in shadow mode would have denied.',
    labelNames: ['policy'],
  }).register(this.registry);
  readonly rateLimitBroken = this.counter(
    'rate_limit_broken_values_total',
    'Values under limiter keys that were foreign or broken and counted as absent.',
    [],
  );
  readonly streamsOpen = this.gauge(
    'rate_limit_streams_open',
    'Streams that this process holds open, by stream quota.',
    ['quota'],
  );
  readonly streamOpens = new FastCounter({
    name: 'rate_limit_stream_opens_total',
    help: 'Streams that were to be opened, by stream quota, state and the backend that decided.',
    labelNames: ['quota', 'state', 'backend'],
  }).register(this.registry);
  readonly leasesReadded = this.counter(
    'rate_limit_leases_readded_total',
    'Leases of open streams that Redis had lost and was given again.',
    ['limit'],
  );
  readonly leasesExpired = this.counter(
    'rate_limit_leases_expired_total',
    'Leases that ran out because their process ended without closing its streams.',
    ['limit'],
  );
  readonly backlogDepth = this.gauge('backlog_depth', 'What waits in a backlog, as last read.', ['backlog']);
  readonly backlogShed = new FastCounter({
    name: 'backlog_shed_total',
    help: 'Requests that were turned away because a backlog was over its mark.',
    labelNames: ['backlog'],
  }).register(this.registry);
  readonly backlogUnread = this.counter(
    'backlog_failed_readings_total',
    'Readings of a backlog that failed or did not come in time.',
    ['backlog'],
  );
  readonly rateLimitBackend = this.gauge('rate_limit_backend', '1 for the backend that counts now.', [
    'backend',
  ]);
  readonly rateLimitInstances = this.gauge(
    'rate_limit_instances',
    'Instances that share the limits, as this one knows.',
    [],
  );
  readonly rateLimitBlocked = this.gauge(
    'rate_limit_blocked_subjects',
    'Subjects that operators have blocked.',
    [],
  );
  readonly rateLimitOverrides = this.gauge(
    'rate_limit_overrides',
    'Overrides of limits and modes that operators have set.',
    [],
  );
  readonly rateLimitSubjects = this.gauge(
    'rate_limit_subjects_remembered',
    'Subjects that this process remembers.',
    [],
  );
  readonly httpRequests = new FastCounter({
    name: 'http_requests_total',
    help: 'Answered requests by route pattern; `unmatched` where no route fits.',
    labelNames: ['method', 'route', 'status'],
  }).register(this.registry);
  readonly httpDuration = new LatencySeries({
    name: 'http_request_duration_seconds',
    help: 'Time to answer a request.',
    labelNames: ['method', 'route'],
    buckets: LATENCY_BUCKETS_SECONDS,
  }).register(this.registry);

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  private counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  private gauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  private histogram<L extends string>(name: string, help: string, labelNames: readonly L[]): Histogram<L> {
    return new Histogram({
      name,
      help,
      labelNames,
      registers: [this.registry],
      buckets: LATENCY_BUCKETS_SECONDS,
    });
  }
}
