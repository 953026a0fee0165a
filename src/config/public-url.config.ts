import { isLocal } from './profile.js';
import type { Fault } from './fault.js';
import type { RuleContext, SettingsRules } from './registration.js';
import { EnvVariable } from './variable.decorator.js';

/**
 * Where people reach the application. Links in mails and the check of a browser's Origin go by this and by nothing that a
 * request says: a forged Host header would else send a victim's token to somebody else.
 */
export class PublicUrlSettings implements SettingsRules {
  static readonly title = 'Public address';

  @EnvVariable('APP_PUBLIC_URL', {
    default: 'http://127.0.0.1:3000',
    // A port that is none is told as what it is, once.
    defaultFrom: ({ PORT = '' }) =>
      `http://127.0.0.1:${/^\d{1,5}$/.test(PORT) && Number(PORT) <= 65_535 ? PORT : '3000'}`,
    example: 'https://app.example.com',
    doc: 'Where people reach the application, without a path; links in mails begin with it. https in staging and production',
    parse: parsePublicUrl,
  })
  publicUrl!: URL;

  rules({ profile, env, settings }: RuleContext): readonly Fault[] {
    if (isLocal(profile)) return [];
    const variable = 'APP_PUBLIC_URL';
    const remedy = 'Give the https address that people open, for instance https://app.example.com';
    if (!env[variable]) return [{ variable, rule: `must be set in ${profile}`, remedy }];
    if (settings.of(PublicUrlSettings).publicUrl.protocol === 'https:') return [];
    return [{ variable, rule: `must be an https address in ${profile}`, remedy }];
  }
}

/**
 * Whether a browser's Origin is this application. A public address on this machine has several names: they all lead to
 * whoever has its port.
 */
export function isOwnOrigin(own: URL, origin: string): boolean {
  if (origin === own.origin) return true;
  if (!URL.canParse(origin)) return false;
  const { protocol, port, hostname } = new URL(origin);
  return isLoopback(own.hostname) && isLoopback(hostname) && protocol === own.protocol && port === own.port;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
}

function parsePublicUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw new Error('must be an http or https address');
  if (url.username || url.password || url.pathname !== '/' || url.search || url.hash)
    throw new Error('must be scheme, host and port only');
  return url;
}
