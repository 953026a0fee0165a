import { tmpdir } from 'node:os';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type Environment, type Fault, judge } from '../config/index.js';
import { type BuiltInPurpose, PURPOSES, type PurposeDefinition } from './purposes.js';
import { RedisModule } from './redis.module.js';
import type { RedisModuleOptions } from './redis.options.js';
import { type PlannedPurpose, planPurposes } from './redis-plan.js';
import { tlsOptions } from './tls-material.js';

const ALL = Object.keys(PURPOSES) as BuiltInPurpose[];
const SEARCH = 'search' as BuiltInPurpose;
const URL = 'redis://shared';
const SECURE = 'rediss://user:s3cret@shared';

/** Settings and rules as the application judges them, for the purposes that are imported. */
function judged(env: Environment, options: RedisModuleOptions = {}, active: readonly BuiltInPurpose[] = ALL) {
  const modules = [RedisModule.forRoot(options), ...active.map((purpose) => RedisModule.forPurpose(purpose))];
  const { settings, faults } = judge(modules, { APP_PROFILE: 'development', ...env });
  return { settings, faults, modules };
}

const faultsOf = (
  env: Environment,
  options?: RedisModuleOptions,
  active?: readonly BuiltInPurpose[],
): string[] => judged(env, options, active).faults.map(describeFault);

const describeFault = ({ variable, purpose, rule }: Fault): string =>
  `${variable}${purpose ? ` (${purpose})` : ''}: ${rule}`;

function planOf(env: Environment, options: RedisModuleOptions = {}): PlannedPurpose {
  const { settings, faults } = judged(env, options, ['authCache']);
  expect(faults).toEqual([]);
  const { planned } = planPurposes(['authCache'], options, settings, env);
  expect(planned).toHaveLength(1);
  return planned[0] as PlannedPurpose;
}

/** Where a purpose goes and who said so. */
const wayOf = (env: Environment, options?: RedisModuleOptions): string => {
  const { connection } = planOf(env, options);
  return `${connection.target?.host ?? connection.engine} by ${connection.source}`;
};

describe('the server of a purpose', () => {
  const env = { AUTH_CACHE_REDIS_URL: 'redis://own', REDIS_URL: 'redis://shared' };

  it('is that of the URL in code before any variable', () => {
    expect(wayOf(env, { urls: { authCache: 'redis://code' } })).toBe('code by RedisModule.forRoot');
  });

  it('is that of its own variable before REDIS_URL', () => {
    expect(wayOf(env)).toBe('own by AUTH_CACHE_REDIS_URL');
  });

  it('is that of REDIS_URL where it has no variable of its own, or an empty one', () => {
    expect(wayOf({ REDIS_URL: URL })).toBe('shared by REDIS_URL');
    expect(wayOf({ REDIS_URL: URL, AUTH_CACHE_REDIS_URL: '' })).toBe('shared by REDIS_URL');
    expect(wayOf({ REDIS_URL: URL }, { urls: { billingEvents: 'redis://code' } })).toBe(
      'shared by REDIS_URL',
    );
  });

  it('is refused where nothing is set, for all purposes at once', () => {
    const rule =
      'is not set, and neither is REDIS_URL; a purpose never falls back to an in-process engine by itself';
    expect(faultsOf({})).toEqual([
      `RATE_LIMIT_REDIS_URL (rateLimit): ${rule}`,
      `AUTH_CACHE_REDIS_URL (authCache): ${rule}`,
      `SECURITY_TOKEN_REDIS_URL (securityTokens): ${rule}`,
      `BILLING_EVENTS_REDIS_URL (billingEvents): ${rule}`,
    ]);
  });

  it('is asked for where a module imports the purpose, and only there', () => {
    expect(faultsOf({}, {}, ['billingEvents'])).toHaveLength(1);
    expect(faultsOf({}, {}, [])).toEqual([]);
  });

  it.each(['REDIS_URL', 'AUTH_CACHE_REDIS_URL'])(
    'is not looked for elsewhere when the file of %s is missing',
    (name) => {
      const faults = faultsOf({
        [`${name}_FILE`]: '/does/not/exist',
        ...(name === 'REDIS_URL' ? {} : { REDIS_URL: URL }),
      });
      expect(faults).toEqual([
        expect.stringMatching(`^${name}_FILE.*: names a file that cannot be read \\(ENOENT\\)$`),
      ]);
    },
  );

  it('is not looked for elsewhere when a URL is broken', () => {
    expect(faultsOf({ REDIS_URL: URL, AUTH_CACHE_REDIS_URL: 'http://x' })).toEqual([
      'AUTH_CACHE_REDIS_URL (authCache): has a scheme other than redis: or rediss:',
    ]);
    expect(faultsOf({ REDIS_URL: 'http://x' }, {}, ['authCache'])).toEqual([
      'REDIS_URL (authCache): has a scheme other than redis: or rediss:',
    ]);
  });
});

describe('the embedded engine', () => {
  it.each(['demo', 'test'])('runs in %s where no URL is set', (profile) => {
    expect(wayOf({ APP_PROFILE: profile })).toBe(`embedded by profile ${profile}`);
    expect(wayOf({ APP_PROFILE: profile, REDIS_URL: URL })).toBe('shared by REDIS_URL');
  });

  it('runs in development where it is asked for by name, also beside a URL', () => {
    expect(wayOf({ REDIS_ENGINE: 'embedded', REDIS_URL: URL })).toBe('embedded by REDIS_ENGINE');
  });

  it('does not stand in where servers are asked for by name', () => {
    expect(faultsOf({ APP_PROFILE: 'demo', REDIS_ENGINE: 'redis' }, {}, ['authCache'])).toEqual([
      expect.stringContaining('AUTH_CACHE_REDIS_URL (authCache): is not set'),
    ]);
  });

  it.each(['staging', 'production'])(
    'is refused in %s, as one fault and not one for each purpose',
    (profile) => {
      expect(faultsOf({ APP_PROFILE: profile, REDIS_ENGINE: 'embedded' })).toEqual([
        `REDIS_ENGINE: is embedded, which ${profile} refuses: data would live and die with the process`,
      ]);
    },
  );
});

describe('credentials', () => {
  const passwordOf = (env: Environment) => planOf(env).connection.access.credentials.password?.reveal();

  it('come from the URL, or from variables beside it', () => {
    expect(planOf({ REDIS_URL: 'redis://u:p@h' }).connection.access.user).toBe('u');
    const beside = { REDIS_URL: URL, AUTH_CACHE_REDIS_USERNAME: 'u', AUTH_CACHE_REDIS_PASSWORD: 'p/:@' };
    expect(planOf(beside).connection.access.user).toBe('u');
    expect(passwordOf(beside)).toBe('p/:@');
  });

  it('of the purpose win over those in REDIS_URL, which speaks for all', () => {
    expect(passwordOf({ REDIS_URL: 'redis://u:p@h', AUTH_CACHE_REDIS_PASSWORD: 'own' })).toBe('own');
  });

  it('given twice are refused, because nobody can say which holds', () => {
    const beside = { AUTH_CACHE_REDIS_USERNAME: 'x', AUTH_CACHE_REDIS_PASSWORD: 's3cret' };
    const rules = (source: string) => [
      `AUTH_CACHE_REDIS_USERNAME (authCache): is set although ${source} holds one too, so it is unclear which one holds`,
      `AUTH_CACHE_REDIS_PASSWORD (authCache): is set although ${source} holds one too, so it is unclear which one holds`,
    ];
    expect(faultsOf({ ...beside, AUTH_CACHE_REDIS_URL: 'redis://u:p@h' }, {}, ['authCache'])).toEqual(
      rules('AUTH_CACHE_REDIS_URL'),
    );
    expect(faultsOf(beside, { urls: { authCache: 'redis://u:p@h' } }, ['authCache'])).toEqual(
      rules('RedisModule.forRoot'),
    );
  });
});

describe('TLS', () => {
  const own = (more: Environment = {}) => ({ AUTH_CACHE_REDIS_URL: 'rediss://cache', ...more });
  const faults = (env: Environment) => faultsOf(env, {}, ['authCache']);

  it('is spoken for rediss:, and with REDIS_TLS for redis: too', () => {
    expect(planOf(own()).connection.target?.tls).toBe(true);
    expect(planOf({ REDIS_URL: URL }).connection.target?.tls).toBe(false);
    expect(planOf({ REDIS_URL: URL, REDIS_TLS: 'true' }).connection.target?.tls).toBe(true);
    expect(planOf(own({ REDIS_TLS: 'false' })).connection.target?.tls).toBe(true);
  });

  it('names the host to the server unless it is an address, or as TLS_SERVERNAME says', () => {
    const nameFor = (env: Environment) => {
      const { access, target } = planOf(env).connection;
      return tlsOptions(access.tls, target?.host ?? '').servername;
    };
    expect(nameFor(own())).toBe('cache');
    expect(nameFor({ AUTH_CACHE_REDIS_URL: 'rediss://127.0.0.1' })).toBeUndefined();
    expect(nameFor({ AUTH_CACHE_REDIS_URL: 'rediss://[::1]' })).toBeUndefined();
    expect(nameFor(own({ AUTH_CACHE_REDIS_TLS_SERVERNAME: 'other' }))).toBe('other');
  });

  it.each([
    ['TLS_CA_FILE', 'PEM certificate'],
    ['TLS_CERT_FILE', 'PEM certificate'],
    ['TLS_KEY_FILE', 'unencrypted PEM key'],
  ])('is refused with a %s that is missing, a folder or no %s', (suffix, what) => {
    const name = `AUTH_CACHE_REDIS_${suffix}`;
    const start = `${name} (authCache): names a file that`;
    expect(faults(own({ [name]: '/does/not/exist' }))).toContain(`${start} cannot be read (ENOENT)`);
    expect(faults(own({ [name]: tmpdir() }))).toContain(`${start} cannot be read (EISDIR)`);
    expect(faults(own({ [name]: import.meta.filename }))).toContain(`${start} holds no ${what}`);
  });

  it('is refused with half of a client certificate', () => {
    const missing = (suffix: string) =>
      `AUTH_CACHE_REDIS_${suffix} (authCache): is not set although its counterpart is`;
    expect(faults(own({ AUTH_CACHE_REDIS_TLS_CERT_FILE: '/x' }))).toContain(missing('TLS_KEY_FILE'));
    expect(faults(own({ AUTH_CACHE_REDIS_TLS_KEY_FILE: '/x' }))).toContain(missing('TLS_CERT_FILE'));
  });

  it.each(['staging', 'production'])('is refused in %s when certificates are not verified', (profile) => {
    const env = { APP_PROFILE: profile, REDIS_URL: SECURE, NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    expect(faultsOf(env)).toEqual([
      'NODE_TLS_REJECT_UNAUTHORIZED: is 0, which switches the verification of every certificate off',
    ]);
    expect(faultsOf({ ...env, NODE_TLS_REJECT_UNAUTHORIZED: '1' })).toEqual([]);
    expect(faultsOf({ ...env, APP_PROFILE: 'development' })).toEqual([]);
  });
});

describe('a profile', () => {
  const rulesBroken = (profile: string, url: string) =>
    judged({ APP_PROFILE: profile, REDIS_URL: url }).faults.map(
      ({ variable, purpose }) => `${variable} ${purpose}`,
    );

  it.each(['staging', 'production'])(
    '%s asks for TLS, a password, and a user where there is personal data',
    (profile) => {
      expect(rulesBroken(profile, SECURE)).toEqual([]);
      expect(rulesBroken(profile, 'rediss://:s3cret@h')).toEqual(['AUTH_CACHE_REDIS_USERNAME authCache']);
      expect(rulesBroken(profile, 'rediss://default:s3cret@h')).toEqual([
        'AUTH_CACHE_REDIS_USERNAME authCache',
      ]);
      expect(rulesBroken(profile, 'redis://user:s3cret@h')).toEqual(
        ALL.map((purpose) => `REDIS_URL ${purpose}`),
      );
      expect(rulesBroken(profile, 'rediss://user@h')).toEqual(
        ALL.map((purpose) => `${PURPOSES[purpose].env}_PASSWORD ${purpose}`),
      );
      expect(rulesBroken(profile, 'redis://h')).toHaveLength(9);
    },
  );

  it.each(['demo', 'test', 'development'])('%s asks for none of it', (profile) => {
    expect(rulesBroken(profile, 'redis://h')).toEqual([]);
  });

  it('development says what production would refuse, the others do not', () => {
    const warnings = (profile: string) => planOf({ APP_PROFILE: profile, REDIS_URL: URL }).warnings;
    expect(warnings('development').map(({ variable }) => variable)).toEqual([
      'REDIS_URL',
      'AUTH_CACHE_REDIS_PASSWORD',
      'AUTH_CACHE_REDIS_USERNAME',
    ]);
    expect(warnings('test')).toEqual([]);
  });
});

describe('the table', () => {
  const row: PurposeDefinition = { ...PURPOSES.rateLimit, env: 'SEARCH_REDIS', namespace: 'search' };
  const withRow = (definition: PurposeDefinition) =>
    faultsOf({ REDIS_URL: URL }, { purposes: { search: definition } }, ['authCache']);

  it('takes a purpose from outside', () => {
    const options = { purposes: { search: row } };
    const { settings } = judged({ SEARCH_REDIS_URL: 'redis://search', REDIS_URL: URL }, options, [SEARCH]);
    const { planned, faults } = planPurposes(['search'], options, settings, {});
    expect(faults).toEqual([]);
    expect(planned[0]?.connection.target?.host).toBe('search');
  });

  it('refuses two purposes with one namespace', () => {
    expect(withRow({ ...row, namespace: 'auth' })).toEqual([
      'RedisModule.forRoot (search): uses the namespace "auth", which belongs to authCache',
    ]);
  });

  it('refuses a purpose that has no row', () => {
    expect(faultsOf({ REDIS_URL: URL }, {}, ['serach' as BuiltInPurpose])).toEqual([
      'RedisModule.forRoot (serach): is imported by a module but has no row in the purpose table',
    ]);
  });

  it('refuses required purposes that it does not have', () => {
    const env = { REDIS_URL: URL, READINESS_REQUIRED_PURPOSES: 'authCache, securityTokns ,toString' };
    const rule = (name: string) => `names ${name}, which is no active purpose; there are ${ALL.join(', ')}`;
    const names = ['securityTokns', 'toString'];
    expect(faultsOf(env)).toEqual(names.map((name) => `READINESS_REQUIRED_PURPOSES: ${rule(name)}`));
    const inactive = { REDIS_URL: URL, READINESS_REQUIRED_PURPOSES: 'billingEvents' };
    expect(faultsOf(inactive, {}, ['rateLimit'])).toHaveLength(1);
    expect(faultsOf({ REDIS_URL: URL, READINESS_REQUIRED_PURPOSES: 'authCache,,rateLimit,' })).toEqual([]);
  });

  it('lets a purpose be stricter than its row, never laxer', () => {
    const outage = (value: string) =>
      faultsOf({ REDIS_URL: URL, RATE_LIMIT_REDIS_OUTAGE: value }, {}, ['rateLimit']);
    expect(outage('closed')).toEqual([]);
    expect(outage('degrade')).toHaveLength(1);
    expect(planOf({ REDIS_URL: URL, AUTH_CACHE_REDIS_OUTAGE: 'closed' }).outage).toBe('closed');
  });
});

it('a plan shows no password, however it is printed', () => {
  const plan = planOf({ REDIS_URL: 'rediss://u:s3cret@h', AUTH_CACHE_REDIS_PASSWORD: 's3cret' });
  expect(inspect(plan, { depth: 9, showHidden: true }) + JSON.stringify(plan)).not.toContain('s3cret');
  expect(plan.connection.access.credentials.password?.reveal()).toBe('s3cret');
});
