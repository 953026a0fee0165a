import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { type SecureContext, createSecureContext } from 'node:tls';
import { type Environment, type Fault, type Profile, isLocal } from '../config/index.js';
import type { Secret } from '../kernel/redact.js';
import { type RedisTarget, isUrlFault, parseRedisUrl } from './connection-url.js';
import type { PurposeDefinition } from './purposes.js';
import type { PurposeSettings, RedisSettings } from './redis.config.js';

/** TLS material, read once. Keys and certificates are inside the context, where no printer reaches them. */
export interface TlsMaterial {
  readonly secureContext?: SecureContext;
  readonly clientCertificate?: boolean;
  /** Undefined for an IP address, which SNI does not carry. */
  readonly servername?: string;
}

/** How one purpose reaches its server, and which variable decided it. */
export interface Connection {
  readonly engine: 'redis' | 'embedded';
  /** Undefined for the embedded engine, which picks its own port. */
  readonly target?: RedisTarget;
  readonly tls: TlsMaterial;
  /** The variable that won, or what stands in for one. */
  readonly source: string;
}

export interface ConnectionRequest {
  readonly purpose: string;
  readonly definition: PurposeDefinition;
  readonly own: PurposeSettings;
  readonly shared: RedisSettings;
  readonly profile: Profile;
  /** REDIS_URL was given but cannot be read: a fault of its own, reported once and not for every purpose. */
  readonly sharedUrlBroken?: boolean;
  /** A URL given in code wins over every variable. */
  readonly explicitUrl?: Secret;
}

/**
 * Resolves a purpose to a server: URL in code › own variable › REDIS_URL › refusal. The embedded engine
 * runs where it was asked for by name, that is by profile or by REDIS_ENGINE, never because a variable is
 * missing in development, staging or production.
 */
export function resolveConnection(request: ConnectionRequest): Connection | Fault[] {
  const { definition, own, shared, profile, purpose } = request;
  if (shared.engine === 'embedded') return { engine: 'embedded', tls: {}, source: 'REDIS_ENGINE' };
  const chosen = chooseUrl(request);
  if (!chosen) {
    if (request.sharedUrlBroken) return [];
    const embedded = profile === 'demo' || profile === 'test';
    if (embedded && shared.engine !== 'redis')
      return { engine: 'embedded', tls: {}, source: `profile ${profile}` };
    return [
      {
        variable: `${definition.env}_URL`,
        purpose,
        rule: 'is not set, and neither is REDIS_URL; a purpose never falls back to an in-process engine by itself',
        remedy: `Set ${definition.env}_URL or REDIS_URL${isLocal(profile) ? HELP_FOR_DEVELOPERS : ''}`,
      },
    ];
  }
  const parsed = parseRedisUrl(chosen.url);
  if (isUrlFault(parsed)) return [{ variable: chosen.source, purpose, ...parsed }];
  const target = {
    ...parsed,
    tls: parsed.tls || shared.tls,
    ...(own.username === undefined ? {} : { username: own.username }),
    ...(own.password === undefined ? {} : { password: own.password }),
  };
  const faults = [...ambiguous(request, chosen.source, parsed), ...tlsFileFaults(request, target)];
  if (faults.length > 0) return faults;
  return { engine: 'redis', target, tls: readTls(own, target), source: chosen.source };
}

const HELP_FOR_DEVELOPERS =
  ' (cp .env.example .env names the servers of docker-compose.yml), or look at it without Redis: npm run demo';

function chooseUrl({ explicitUrl, own, shared, definition }: ConnectionRequest) {
  if (explicitUrl) return { url: explicitUrl, source: 'RedisModule.forRoot' };
  if (own.url) return { url: own.url, source: `${definition.env}_URL` };
  if (shared.url) return { url: shared.url, source: 'REDIS_URL' };
  return undefined;
}

function ambiguous(
  { own, definition, purpose }: ConnectionRequest,
  source: string,
  parsed: RedisTarget,
): Fault[] {
  // Beside REDIS_URL the purpose's own variables are the way to differ from the others.
  if (source === 'REDIS_URL') return [];
  const twice = (field: 'username' | 'password', suffix: string): Fault[] =>
    parsed[field] !== undefined && own[field] !== undefined
      ? [
          {
            variable: `${definition.env}_${suffix}`,
            purpose,
            rule: `is set although ${source} holds one too, so it is unclear which one holds`,
            remedy: 'Keep exactly one of the two',
          },
        ]
      : [];
  return [...twice('username', 'USERNAME'), ...twice('password', 'PASSWORD')];
}

function tlsFileFaults({ own, definition, purpose }: ConnectionRequest, target: RedisTarget): Fault[] {
  const faults: Fault[] = [];
  const fault = (suffix: string, rule: string, remedy: string) =>
    faults.push({ variable: `${definition.env}_${suffix}`, purpose, rule, remedy });
  const check = (suffix: string, path: string | undefined, parse: (pem: string) => unknown, what: string) => {
    if (path === undefined) return;
    try {
      parse(readFileSync(path, 'utf8'));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const unreadable = code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR';
      fault(
        suffix,
        `names a file that ${unreadable ? `cannot be read (${code})` : `holds no ${what}`}`,
        'Correct the path or the file',
      );
    }
  };
  check('TLS_CA_FILE', own.tlsCaFile, (pem) => new X509Certificate(pem), 'PEM certificate');
  check('TLS_CERT_FILE', own.tlsCertFile, (pem) => new X509Certificate(pem), 'PEM certificate');
  check('TLS_KEY_FILE', own.tlsKeyFile, (pem) => createPrivateKey(pem), 'unencrypted PEM key');
  if ((own.tlsCertFile === undefined) !== (own.tlsKeyFile === undefined)) {
    const missing = own.tlsCertFile === undefined ? 'TLS_CERT_FILE' : 'TLS_KEY_FILE';
    fault(missing, 'is not set although its counterpart is', 'A client certificate needs both files');
  }
  if (faults.length === 0 && !keyFits(own)) {
    const rule = `does not belong to the certificate in ${definition.env}_TLS_CERT_FILE`;
    fault('TLS_KEY_FILE', rule, 'Name the key that the certificate was made for');
  }
  const useless = own.tlsCaFile === undefined ? own.tlsCertFile && 'TLS_CERT_FILE' : 'TLS_CA_FILE';
  if (!target.tls && useless) {
    fault(useless, 'is set although the URL says redis://', 'Write rediss://, or set REDIS_TLS=true');
  }
  return faults;
}

/** A pair that does not fit would throw inside the client library, which then never tries again. */
function keyFits({ tlsCertFile, tlsKeyFile }: PurposeSettings): boolean {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return true;
  const certificate = new X509Certificate(readFileSync(tlsCertFile));
  return certificate.checkPrivateKey(createPrivateKey(readFileSync(tlsKeyFile)));
}

function readTls(own: PurposeSettings, target: RedisTarget): TlsMaterial {
  if (!target.tls) return {};
  const servername = own.tlsServername ?? (isIP(target.host) ? undefined : target.host);
  const read = (path: string) => readFileSync(path, 'utf8');
  return {
    secureContext: createSecureContext({
      minVersion: 'TLSv1.2',
      ...(own.tlsCaFile === undefined ? {} : { ca: read(own.tlsCaFile) }),
      ...(own.tlsCertFile === undefined ? {} : { cert: read(own.tlsCertFile) }),
      ...(own.tlsKeyFile === undefined ? {} : { key: read(own.tlsKeyFile) }),
    }),
    clientCertificate: own.tlsCertFile !== undefined,
    ...(servername === undefined ? {} : { servername }),
  };
}

/** What Node's `tls.connect` takes of it; certificates are verified whatever the environment says. */
export function tlsOptions({ secureContext, servername }: TlsMaterial) {
  return {
    ...(secureContext === undefined ? {} : { secureContext }),
    ...(servername === undefined ? {} : { servername }),
    rejectUnauthorized: true,
  };
}

/** A rule of the profile that a connection breaks: refused outside local profiles, warned in development. */
export function policyFaults(request: ConnectionRequest, connection: Connection): Fault[] {
  const { purpose, definition } = request;
  const { target, source } = connection;
  if (!target) return [];
  const faults: Fault[] = [];
  if (!target.tls) {
    faults.push({
      variable: source,
      purpose,
      rule: 'connects without TLS, so that passwords and data cross the network readable',
      remedy: 'Write rediss://, or set REDIS_TLS=true',
    });
  }
  if (!target.password) {
    faults.push({
      variable: `${definition.env}_PASSWORD`,
      purpose,
      rule: 'is not set, and neither does the URL hold a password',
      remedy: `Set ${definition.env}_PASSWORD or ${definition.env}_PASSWORD_FILE`,
    });
  }
  if (definition.aclUser === 'required' && (target.username ?? 'default') === 'default') {
    faults.push({
      variable: `${definition.env}_USERNAME`,
      purpose,
      rule: 'must name an ACL user other than default, because this purpose holds personal data',
      remedy: `Create one with the rule that "redis acl --purpose ${purpose}" prints, and name it here`,
    });
  }
  return faults;
}

/** Rules about the whole process, whatever the purposes. */
export function processFaults(env: Environment, profile: Profile, shared: RedisSettings): Fault[] {
  if (isLocal(profile)) return [];
  const faults: Fault[] = [];
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    faults.push({
      variable: 'NODE_TLS_REJECT_UNAUTHORIZED',
      rule: 'is 0, which switches the verification of every certificate off',
      remedy: 'Remove it and name your authority in …_TLS_CA_FILE',
    });
  }
  if (/(^|[\s,])(\*|ioredis)/.test(env.DEBUG ?? '')) {
    faults.push({
      variable: 'DEBUG',
      rule: 'makes the Redis client print every command, passwords included',
      remedy: 'Remove ioredis and * from it',
    });
  }
  if (shared.engine === 'embedded') {
    faults.push({
      variable: 'REDIS_ENGINE',
      rule: `is embedded, which ${profile} refuses: data would live and die with the process`,
      remedy: 'Remove it and name real servers',
    });
  }
  return faults;
}
