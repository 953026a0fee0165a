import { isIP } from 'node:net';
import type { Secret } from '../kernel/redact.js';

/** What is wrong with a URL, in words that can follow the variable's name. Never shows the value. */
export interface UrlFault {
  readonly rule: string;
  readonly remedy: string;
}

export function isUrlFault(parsed: object): parsed is UrlFault {
  return 'rule' in parsed;
}

/** @param form how to write it: the remedy */
export function readServerUrl(secretUrl: Secret, form: string): URL | UrlFault {
  const text = secretUrl.reveal().trim();
  // The URL parser drops these without a word, and a password would be another one.
  if (/[\t\r\n]/.test(text)) {
    return {
      rule: 'holds a line break or a tab',
      remedy: 'Write it on one line, or percent-encode what is meant',
    };
  }
  try {
    return new URL(text);
  } catch {
    return { rule: 'is not a URL', remedy: `${form}; percent-encode special characters in the password` };
  }
}

/** Whether it names one host and a port that something can listen on. */
export function judgeHost(url: URL, form: string): UrlFault | undefined {
  if (url.hostname === '') return { rule: 'names no host', remedy: form };
  if (!isIP(hostOf(url)) && !/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i.test(url.hostname)) {
    return { rule: 'names something that is not one host', remedy: form };
  }
  if (url.port === '0') return { rule: 'names port 0', remedy: 'Give the port that the server listens on' };
  return undefined;
}

/** Without the brackets of an IPv6 address. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** The host as a URL has it. */
export function hostInUrl(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}
