import { describe, expect, it } from 'vitest';
import { ConfigModule, type Environment, judge } from '../config/index.js';
import { NonceSettings, SecurityTokenPeppers } from './security-tokens.config.js';
import { TOKEN_KINDS } from './token-kinds.js';

const VARIABLES = [
  'EMAIL_VERIFICATION',
  'PASSWORD_RESET',
  'STATUS_CONFIRM',
  'WEBHOOK_CHALLENGE',
  'STREAM_TICKET',
  'INVITATION',
  'UNSUBSCRIBE',
].map((kind) => `SECURITY_TOKEN_${kind}_PEPPER`);
const given = Object.fromEntries(VARIABLES.map((name) => [name, name.padEnd(40, '.')]));

const modules = [ConfigModule.forFeature(SecurityTokenPeppers), ConfigModule.forFeature(NonceSettings)];
const faultsOf = (env: Environment) =>
  judge(modules, env).faults.map(({ variable, rule }) => `${variable}: ${rule}`);

describe('the settings of security tokens', () => {
  it.each(['demo', 'test'])('need nothing in %s', (profile) => {
    expect(faultsOf({ APP_PROFILE: profile })).toEqual([]);
  });

  it.each(['staging', 'production'])('need every pepper in %s', (APP_PROFILE) => {
    expect(faultsOf({ APP_PROFILE })).toEqual(
      VARIABLES.map((name) => `${name}: must be set in ${APP_PROFILE}`),
    );
    expect(faultsOf({ APP_PROFILE, ...given })).toEqual([]);
  });

  it('need peppers that are long enough and all different, in every ring', () => {
    const [first = '', second = ''] = VARIABLES;
    const faults = (env: Environment) => faultsOf({ APP_PROFILE: 'production', ...given, ...env });
    expect(faults({ [first]: 'x'.repeat(31) })).toEqual([`${first}: has fewer than 32 bytes`]);
    expect(faults({ [second]: given[first] })).toEqual([`${second}: has the same value as ${first}`]);
    const ring = `${'new'.padEnd(32, '.')},${given[first]}`;
    expect(faults({ [first]: ring })).toEqual([]);
    expect(faults({ [second]: ring })).toEqual([`${second}: has the same value as ${first}`]);
  });

  it('allow a skew of up to five minutes', () => {
    const skewOf = (text: string) =>
      judge(modules, { APP_PROFILE: 'test', SECURITY_TOKEN_NONCE_SKEW_MS: text });
    expect(skewOf('5s').settings.of(NonceSettings).skewMs).toBe(5000);
    expect(judge(modules, { APP_PROFILE: 'test' }).settings.of(NonceSettings).skewMs).toBe(30_000);
    for (const text of ['-1', '6m', 'soon']) expect(skewOf(text).faults).toHaveLength(1);
  });

  it('have a ring of its own for each kind, and a prefix', () => {
    const rows = Object.values(TOKEN_KINDS);
    expect(new Set(rows.map(({ pepper }) => pepper)).size).toBe(rows.length);
    expect(new Set(rows.map(({ prefix }) => prefix)).size).toBe(rows.length);
    for (const { prefix, valid } of rows) {
      expect(prefix).toMatch(/^[a-z]{2}$/);
      expect(prefix).not.toBe('un');
      expect(valid).toBeGreaterThan(0);
    }
  });
});
