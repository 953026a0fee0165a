import { describe, expect, it } from 'vitest';
import { UsageError } from '../cli-context.js';
import { DEFAULTS, type RawOptions, firstRate, readOptions, requestCount } from './options.js';

const defaults: RawOptions = {
  baseline: DEFAULTS.baseline,
  maxRate: DEFAULTS.maxRate,
  path: DEFAULTS.path,
  maxP95Ms: DEFAULTS.maxP95Ms,
  max5xxPercent: DEFAULTS.max5xxPercent,
  max429Percent: DEFAULTS.max429Percent,
};
const read = (options: Partial<RawOptions> = {}) => readOptions({ ...defaults, ...options });

describe('The options of a load test', () => {
  it('are ten times the soft-launch rate for a minute, on an application of our own, unless told', () => {
    const plan = read();
    expect(plan).toEqual({
      mode: 'target',
      times: 10,
      baselinePerMinute: 100,
      durationSeconds: 60,
      maxRatePerSecond: 2000,
      path: '/v1/isolation',
      thresholds: { p95Ms: 120, errorPercent: 1, limitedPercent: 0.5, strict: false },
    });
    expect(requestCount(firstRate(plan), plan.durationSeconds)).toBe(1000);
  });

  it('take a sustained rate', () => {
    const plan = read({ target: '5x', duration: '300', baseline: '60' });
    expect(firstRate(plan)).toBe(5);
    expect(requestCount(firstRate(plan), plan.durationSeconds)).toBe(1500);
  });

  it('search from the baseline up, in steps of ten seconds', () => {
    const plan = read({ findCapacity: true });
    expect(plan).toMatchObject({ mode: 'capacity', times: 1, durationSeconds: 10 });
    expect(firstRate(plan)).toBeCloseTo(100 / 60, 9);
  });

  it('take a deployment with a base path, thresholds and a file', () => {
    const plan = read({
      url: 'https://api.example.com/base/',
      path: '/v1/things?limit=1',
      maxP95Ms: '80.5',
      max5xxPercent: '0',
      strict: true,
      json: 'out.json',
    });
    expect(plan.url?.href).toBe('https://api.example.com/base/');
    expect(plan.thresholds).toEqual({ p95Ms: 80.5, errorPercent: 0, limitedPercent: 0.5, strict: true });
    expect(plan).toMatchObject({ path: '/v1/things?limit=1', json: 'out.json' });
  });

  it.each<[Partial<RawOptions>, string]>([
    [{ target: '10' }, '--target must be a multiple of the baseline such as 10x or 2.5x, not "10"'],
    [{ target: '0x' }, '--target'],
    [{ target: '-5x' }, '--target'],
    [{ target: '' }, '--target'],
    [{ target: '5x', findCapacity: true }, 'exclude each other'],
    [{ duration: '-1' }, '--duration must be a number from 1 to 3600, not "-1"'],
    [{ duration: '0' }, '--duration'],
    [{ duration: '3601' }, '--duration'],
    [{ duration: '1e3' }, '--duration'],
    [{ baseline: '0' }, '--baseline must be a number above 0'],
    [{ baseline: 'many' }, '--baseline'],
    [{ maxRate: '5001' }, '--max-rate'],
    [{ target: '2000x' }, '3333.3 requests per second are more than the 2000 of --max-rate'],
    [{ target: '600x', duration: '300' }, 'are 300000 requests, and 200000 are the most'],
    [{ findCapacity: true, baseline: '200000' }, '--max-rate'],
    [{ url: 'ftp://h' }, 'http://… or https://…'],
    [{ url: 'api.example.com' }, 'http://… or https://…'],
    [{ url: 'https://user:hunter2@h' }, 'no user and no password'],
    [{ url: 'https://h/?a=1' }, '--path may have a query'],
    [{ path: 'v1' }, '--path must begin'],
    [{ path: '/v1 /x' }, '--path must begin'],
    [{ path: '/v1\r\nx: y' }, '--path must begin'],
    [{ maxP95Ms: '0' }, '--max-p95-ms'],
    [{ max5xxPercent: '101' }, '--max-5xx-percent must be a number from 0 to 100'],
    [{ max429Percent: 'NaN' }, '--max-429-percent'],
  ])('refuse %j', (options, message) => {
    expect(() => read(options)).toThrow(UsageError);
    expect(() => read(options)).toThrow(message);
    expect(() => read(options)).not.toThrow('hunter2');
  });
});
