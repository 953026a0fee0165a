/**
 * The base of every error that an API caller may see. An answer such as "denied" is a value; an error
 * means that no answer could be given. `status` and `slug` are what the HTTP door needs to render it as
 * problem details (RFC 9457); `detail` is safe to show to anybody.
 */
export abstract class AppError extends Error {
  /** Stable, machine-readable, UPPER_SNAKE. */
  abstract readonly code: string;
  /** HTTP status that the error is answered with. */
  abstract readonly status: number;
  /** Last part of the problem type, `/problems/<slug>`. */
  abstract readonly slug: string;
  /** Short human text of the problem type; the same for every occurrence. */
  abstract readonly title: string;

  /** When a retry makes sense, in milliseconds; becomes `Retry-After`. */
  readonly retryAfterMs: number | undefined = undefined;

  constructor(detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = new.target.name;
  }

  /** Further members of the problem document. */
  get extensions(): Record<string, unknown> {
    return {};
  }

  /** What the record of the request says once it is answered with this error, beside its status; no secret. */
  get record(): Readonly<Record<string, unknown>> {
    return {};
  }

  /** Further response headers, lower-case names. */
  get headers(): Record<string, string> {
    return {};
  }
}

/** sysexits.h codes that the process ends with; supervisors tell a typo from an outage by them. */
export const EXIT = { ok: 0, usage: 64, unavailable: 69, software: 70, config: 78 } as const;

/** Thrown where the process should end with a report instead of a stack trace. */
export abstract class StartupError extends Error {
  abstract readonly exitCode: number;
  /** Several lines for a person at a terminal; holds no secret. */
  abstract report(): string;
}
