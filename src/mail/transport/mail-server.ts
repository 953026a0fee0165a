/** Where mails are handed over. */
export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte; otherwise STARTTLS where the server offers or the caller demands it. */
  readonly secure: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

const PORTS = { 'smtp:': 587, 'smtps:': 465 } as const;

/** Reads an `smtp://` or `smtps://` URL. @throws Error whose message completes "must be …" and holds no credential */
export function mailServerOf(text: string): MailServer {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'smtp:' && url.protocol !== 'smtps:') || !url.hostname)
    throw new Error('must be an smtp:// or smtps:// address');
  if (!/^\/?$/.test(url.pathname) || url.search || url.hash)
    throw new Error('must be scheme, credentials, host and port only');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port ? Number(url.port) : PORTS[url.protocol],
    secure: url.protocol === 'smtps:',
    user: plain(url.username),
    password: plain(url.password),
  };
}

function plain(part: string): string | undefined {
  if (!part) return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Error('must have its credentials percent-encoded');
  }
}
