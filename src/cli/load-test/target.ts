/** Where the requests go. Nothing else is ever contacted: answers that redirect are counted, not followed. */
export interface Target {
  readonly secure: boolean;
  /** Without the brackets of IPv6. */
  readonly hostname: string;
  readonly port: number;
  /** Stands before every path, without a slash at its end. */
  readonly basePath: string;
  /** Bearer of the operator, if there is one. Never printed. */
  readonly token?: string;
}

export function targetOf(url: URL, token?: string): Target {
  const secure = url.protocol === 'https:';
  return {
    secure,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    basePath: url.pathname.replace(/\/+$/, ''),
    ...(token === undefined || token === '' ? {} : { token }),
  };
}

/** For people: scheme, host and port. */
export function originOf({ secure, hostname, port, basePath }: Target): string {
  const host = hostname.includes(':') ? `[${hostname}]` : hostname;
  return `${secure ? 'https' : 'http'}://${host}:${port}${basePath}`;
}

/** Ends the command with a report instead of a stack trace. */
export class TargetError extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
    this.name = 'TargetError';
  }
}
