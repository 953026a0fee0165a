import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics } from 'prom-client';
import { BillingMetrics } from './billing-metrics.js';

/**
 * Every metric of the application, declared once: name, help, labels. Labels are bounded: purposes, lanes,
 * reasons, outcomes and policy names are closed sets. Features add values, not metrics of their own names.
 */
@Injectable()
export class Metrics extends BillingMetrics {
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
  readonly redisCommands = this.fastCounter(
    'infra_redis_commands_total',
    'Commands by outcome: ok, error, timeout, or rejected before they were sent.',
    ['purpose', 'context', 'outcome'],
  );
  readonly redisCommandDuration = this.fastHistogram(
    'infra_redis_command_duration_seconds',
    'Time from the call until its answer or failure.',
    ['purpose', 'context'],
  );
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
  readonly rateLimitDecisions = this.fastCounter(
    'rate_limit_decisions_total',
    'Rate-limit decisions by policy, state and the backend that decided.',
    ['policy', 'state', 'backend'],
  );
  readonly rateLimitDuration = this.fastHistogram(
    'rate_limit_decision_duration_seconds',
    'Time to decide, by backend.',
    ['backend'],
  );
  readonly rateLimitRemaining = this.fastHistogram(
    'rate_limit_remaining_ratio',
    'Fraction of the tightest limit of a policy that was left after a decision.',
    ['policy'],
    [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1],
  );
  readonly rateLimitShadow = this.fastCounter(
    'rate_limit_shadow_denials_total',
    'Decisions that a policy in shadow mode would have denied.',
    ['policy'],
  );
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
  readonly streamOpens = this.fastCounter(
    'rate_limit_stream_opens_total',
    'Streams that were to be opened, by stream quota, state and the backend that decided.',
    ['quota', 'state', 'backend'],
  );
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
  readonly backlogShed = this.fastCounter(
    'backlog_shed_total',
    'Requests that were turned away because a backlog was over its mark.',
    ['backlog'],
  );
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
  readonly passwordHashesRunning = this.gauge(
    'password_hashes_running',
    'Passwords that this process is hashing now.',
    [],
  );
  readonly passwordHashesWaiting = this.gauge(
    'password_hashes_waiting',
    'Password hashes that wait for a place.',
    [],
  );
  readonly passwordHashRefusals = this.counter(
    'password_hash_refusals_total',
    'Password hashes that found no place: the queue was full, or the wait too long.',
    ['reason'],
  );
  readonly passwordChecks = this.counter(
    'password_checks_total',
    'Checks of a password by outcome: match, mismatch, or unreadable where what is stored is broken.',
    ['outcome'],
  );
  readonly accessChecks = this.fastCounter(
    'access_checks_total',
    'Requests that had to say who they are, by outcome: allowed, forbidden, unavailable, or why the token was refused.',
    ['outcome'],
  );
  readonly sqlUp = this.gauge('infra_sql_up', '1 while SQL answers, takes writes and is migrated.', ['mode']);
  readonly sqlConnections = this.gauge('infra_sql_connections', 'Open SQL connections of this process.', []);
  readonly sqlInUse = this.gauge('infra_sql_in_use', 'SQL connections that a feature uses now.', ['feature']);
  readonly sqlWaiting = this.gauge('infra_sql_waiting', 'Calls that wait for a connection.', ['feature']);
  readonly sqlProbeAge = this.gauge(
    'infra_sql_probe_age_seconds',
    'Seconds since the last finished probe of SQL.',
    [],
  );
  readonly sqlConnectionErrors = this.counter(
    'infra_sql_connection_errors_total',
    'Lost or refused SQL connections, and failed probes, by reason.',
    ['reason'],
  );
  readonly sqlUnavailable = this.counter(
    'infra_sql_unavailable_total',
    'SQL calls that were answered with unavailable, by reason.',
    ['feature', 'reason'],
  );
  readonly sqlCalls = this.counter(
    'infra_sql_calls_total',
    'SQL calls by outcome: ok, error or unavailable.',
    ['feature', 'outcome'],
  );
  readonly sqlCallDuration = this.histogram(
    'infra_sql_call_duration_seconds',
    'Time from an SQL call until its answer or failure, its wait for a connection included.',
    ['feature'],
  );
  readonly dueRows = this.counter(
    'due_rows_total',
    'Rows of due tables by worker and outcome: sent, retried, failed, lost or returned.',
    ['worker', 'outcome'],
  );
  readonly dueRowsPending = this.gauge(
    'due_rows_pending',
    'Rows of due tables that are not settled yet, 10000 at most; absent while SQL does not say.',
    ['worker'],
  );
  readonly dueRowsOldest = this.gauge(
    'due_rows_oldest_seconds',
    'Age of the oldest of them; 0 where there is none, absent while SQL does not say.',
    ['worker'],
  );
  readonly mails = this.counter(
    'mails_total',
    'Attempts to hand a mail over, by outcome: sent, deferred (tried again) or rejected (never tried again).',
    ['template', 'outcome'],
  );
  readonly authEvents = this.counter(
    'auth_events_total',
    'Logins, refreshes and whatever else happens to an account, by result: ok, refused, or denied as an attack.',
    ['event', 'result', 'reason'],
  );
  readonly authThrottle = this.counter(
    'auth_throttle_total',
    'Attempts that the throttle of a login or another flow judged: allowed or denied.',
    ['flow', 'outcome'],
  );
  readonly authLockout = this.counter(
    'auth_lockout_total',
    'Login attempts by what the lockout said: counted, locked, known-device; and locks that were lifted. Tier: failures from which the lock holds, 0 for none.',
    ['outcome', 'tier'],
  );
  readonly authRefresh = this.counter(
    'auth_refresh_total',
    'Refresh tokens by outcome: started, rotated, replayed, reused, expired, unknown, forged (Redis was not asked), unavailable.',
    ['outcome'],
  );
  readonly httpRequests = this.fastCounter(
    'http_requests_total',
    'Answered requests by route pattern; `unmatched` where no route fits.',
    ['method', 'route', 'status'],
  );
  readonly httpDuration = this.fastHistogram('http_request_duration_seconds', 'Time to answer a request.', [
    'method',
    'route',
  ]);

  readonly securityTokenFailClosed = this.counter(
    'security_token_fail_closed_total',
    'Questions about security tokens that Redis did not answer, and that were refused for it.',
    ['operation', 'reason'],
  );
  readonly securityTokenOperations = this.counter(
    'security_token_operations_total',
    'What became of one-time tokens, by kind.',
    ['kind', 'operation', 'outcome'],
  );
  readonly securityNonceUses = this.counter(
    'security_nonce_uses_total',
    'Signed requests by what the replay guard said: fresh, replayed, lost (its memory is younger than they are), stale.',
    ['outcome'],
  );

  constructor() {
    super();
    collectDefaultMetrics({ register: this.registry });
  }
}
