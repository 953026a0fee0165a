import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StartupError } from '../kernel/errors.js';
import { Secret } from '../kernel/redact.js';
import { LogSettings } from './log.config.js';
import { createLogger } from './logger.js';
import { requestContext } from './request-context.js';

let out = '';
beforeEach(() => {
  out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    out += String(chunk);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    out += `stderr:${String(chunk)}`;
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

function logger(profile: 'production' | 'development', settings: Partial<LogSettings> = {}) {
  return createLogger(profile, Object.assign(new LogSettings(), { level: 'info', format: 'auto' }, settings));
}
const lines = () =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** As a Redis client throws it: arguments and passwords hang on the object and sit in the text. */
const leaky = () =>
  Object.assign(new Error('WRONGPASS for redis://app:hunter2@cache:6379'), {
    code: 'EAUTH',
    command: { name: 'auth', args: ['app', 'hunter2'] },
    cause: new Error('password=hunter2'),
  });

describe('in production', () => {
  it('writes one JSON object per line with the fields at the top level', () => {
    logger('production').warn('Mail was not sent', { attempt: 2, rl_backend: 'redis' }, 'Mail');
    expect(lines()).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        level: 'warn',
        message: 'Mail was not sent',
        attempt: 2,
        rl_backend: 'redis',
        context: 'Mail',
        pid: process.pid,
      },
    ]);
  });

  it('writes a line of plain fields as it writes any other', () => {
    const log = logger('production');
    const fields = {
      time: 'x',
      level: 'x',
      pid: 0,
      timestamp: 1,
      message: 'x',
      context: 'x',
      refreshToken: 'hunter2',
    };
    requestContext.run({ requestId: 'r-1', redis: {} }, () => {
      for (const context of ['Mail', undefined]) {
        log.log('a text', fields, ...(context === undefined ? [] : [context]));
        // Not JSON, so the long way.
        log.log('a text', { ...fields, big: 1n }, ...(context === undefined ? [] : [context]));
      }
    });
    const [short, long, ...others] = lines().map(({ big: _big, ...line }) => line);
    expect(short).toMatchObject({ level: 'info', message: 'a text', context: 'Mail', refreshToken: '***' });
    expect({ ...short, time: '' }).toEqual({ ...long, time: '' });
    expect({ ...others[0], time: '' }).toEqual({ ...others[1], time: '' });
  });

  it('leaves a refusal to start to whoever prints its list, and no other error', () => {
    class Refusal extends StartupError {
      readonly exitCode = 78;
      report(): string {
        return 'Refusing to start';
      }
    }
    const log = logger('production');
    log.error(new Refusal('no policy'), undefined, 'ExceptionHandler');
    log.error(new Error('a mistake'), undefined, 'ExceptionHandler');
    expect(lines().map(({ message }) => message)).toEqual(['a mistake']);
  });

  it('adds the id of the request that is being served', () => {
    const log = logger('production');
    requestContext.run({ requestId: 'r-1', redis: {} }, () => log.log('hello'));
    expect(lines()[0]).toMatchObject({ level: 'info', message: 'hello', request_id: 'r-1' });
  });

  it('writes every level to stdout and leaves out what is below LOG_LEVEL', () => {
    const log = logger('production', { level: 'warn' });
    log.error('a');
    log.fatal('b');
    log.log('c');
    log.debug('d');
    expect(lines().map((line) => line['level'])).toEqual(['error', 'fatal']);
  });
});

describe('the account that Nest gives of its start', () => {
  it('is left out unless LOG_LEVEL is debug', () => {
    logger('production').log('HealthModule dependencies initialized', 'InstanceLoader');
    expect(out).toBe('');
    logger('production').error('Nest cannot start', undefined, 'InstanceLoader');
    logger('production', { level: 'debug' }).log('HealthModule dependencies initialized', 'InstanceLoader');
    expect(lines().map((line) => line['message'])).toEqual([
      'Nest cannot start',
      'HealthModule dependencies initialized',
    ]);
  });
});

describe.each(['production', 'development'] as const)(
  'in %s no way of logging prints a secret:',
  (profile) => {
    it.each<[string, (log: ReturnType<typeof logger>) => void]>([
      ['an error as the message', (log) => log.error(leaky())],
      ['an error as a further message', (log) => log.error('failed', leaky())],
      ['an error as a field', (log) => log.warn('failed', { error: leaky() })],
      ['an error inside a field', (log) => log.log('failed', { detail: { errors: [leaky()] } })],
      ['an error with its stack', (log) => log.error('failed', leaky().stack)],
      ['a text', (log) => log.log('connecting to rediss://app:hunter2@cache:6379/1')],
      ['an object as the message', (log) => log.log({ password: 'hunter2', url: 'redis://:hunter2@x' })],
      ['a lazy message', (log) => log.log(() => 'token=hunter2')],
      ['a field named like a secret', (log) => log.log('x', { refreshToken: 'hunter2' })],
      ['a wrapped secret', (log) => log.log('x', { pepper: new Secret('hunter2') })],
      ['a context', (log) => log.log('x', 'redis://a:hunter2@b')],
      ['a text of name and value', (log) => log.log('password: hunter2', 'Redis')],
    ])('%s', (_name, write) => {
      write(logger(profile));
      expect(out).not.toBe('');
      expect(out).not.toContain('hunter2');
      expect(out).not.toContain('stderr:');
    });
  },
);

it('keeps name, code and stack of an error in JSON', () => {
  logger('production').error('Request failed', { error: leaky() });
  expect(lines()[0]).toMatchObject({
    message: 'Request failed',
    error: { name: 'Error', code: 'EAUTH', message: 'WRONGPASS for redis://***@cache:6379' },
  });
});

it('prints the stack below the line in the pretty format', () => {
  logger('development').error('Request failed', { error: leaky(), route: '/x' });
  expect(out).toMatch(/Request failed.*route: .*\/x.*\nError: WRONGPASS/);
  expect(out).toContain('logger.spec.ts');
});

it('takes the format that LOG_FORMAT names', () => {
  logger('development', { format: 'json' }).log('x');
  logger('production', { format: 'pretty' }).log('y');
  expect(out).toMatch(/^\{.*\}\n\S*\[bulkhead\]/);
});

it('serves code that logs through Nest', () => {
  Logger.overrideLogger(logger('production'));
  new Logger('Feature').warn('x', { a: 1 });
  Logger.overrideLogger(false);
  expect(lines()[0]).toMatchObject({ message: 'x', a: 1, context: 'Feature' });
});
