import { isIP } from 'node:net';
import { isLoopback, isPublicAddress } from './public-address.js';

export interface TargetRules {
  /** Ports that may be called. */
  readonly ports: readonly number[];
  /** Also http, and this machine at any port: demo and test. */
  readonly allowLoopback: boolean;
}

const LONGEST_CHARS = 2048;
/** Nothing that a URL parser would drop in silence or that cannot be seen. */
const INVISIBLE = /[\p{C}\p{Z}]/u;
/** Names that mean a machine or a network of one's own (RFC 6761, 6762, 8375, 9476 and common practice). */
const LOCAL_NAME =
  /(?:^|\.)(?:localhost|localdomain|local|lan|home|corp|private|intranet|internal|home\.arpa|onion|alt|test|invalid|example)$/;

/**
 * Reads the URL of a webhook. Names are not resolved here but whenever they are called: the answer to a stranger would
 * tell which names an inner resolver knows.
 *
 * @returns the URL, or what it must do instead: completes "target must …", quotes nothing
 */
export function readTarget(text: string, rules: TargetRules): URL | string {
  if (text.length > LONGEST_CHARS || INVISIBLE.test(text) || text.includes('\\') || !URL.canParse(text))
    return `be a URL of at most ${LONGEST_CHARS} characters`;
  const url = new URL(text);
  if (url.username || url.password) return 'hold no credentials';
  if (url.hash) return 'have no fragment';
  const host = hostOf(url);
  if (rules.allowLoopback && isHttp(url) && (isLoopback(host) || host === 'localhost')) return url;
  if (url.protocol !== 'https:') return 'begin with https://';
  if (!rules.ports.includes(portOf(url))) return `use one of the ports ${rules.ports.join(', ')}`;
  return isPublicHost(host) ? url : 'lead to a public host';
}

/** The host without the brackets of an IPv6 address. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

export function portOf({ port, protocol }: URL): number {
  return port ? Number(port) : protocol === 'http:' ? 80 : 443;
}

function isPublicHost(host: string): boolean {
  if (isIP(host) > 0) return isPublicAddress(host);
  const name = host.replace(/\.$/, '');
  // A name without a dot is completed by the resolver's own search list.
  return name.includes('.') && !name.endsWith('.') && !LOCAL_NAME.test(name);
}

function isHttp({ protocol }: URL): boolean {
  return protocol === 'http:' || protocol === 'https:';
}
