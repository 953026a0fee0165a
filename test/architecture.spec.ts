import { spawnSync } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { deepest, roof, rooms } from '../scripts/floors.mjs';
import vitestConfig from '../vitest.config.js';
import { cleanHouse, offences } from './architecture/house.js';
import { importFaults, roomOf } from './architecture/imports.js';
import { buildHouse, lint, lintedFiles } from './architecture/lint.js';
import { filesBelow, globToRegExp, isTest, lineCount, root } from './architecture/project-files.js';

const sources = filesBelow('src').filter((file) => file.endsWith('.ts'));

describe('the lint command', () => {
  const clean = buildHouse(cleanHouse);
  const planted = buildHouse({
    ...cleanHouse,
    ...Object.fromEntries(offences.map(({ file, text }) => [file, text])),
  });
  const empty = buildHouse({});
  afterAll(() => [clean, planted, empty].forEach(({ remove }) => remove()));

  it('passes a house that keeps every rule, and has read all of it', () => {
    const result = lint(clean.folder);
    expect(result.findings).toEqual([]);
    expect(result.failed).toBe(false);
    expect(result.filesRead).toBe(Object.keys(cleanHouse).length);
  });

  describe('reports', () => {
    const result = lint(planted.folder);

    it.each(offences)('$what', ({ file, rule, advice = '' }) => {
      const found = result.findings.filter((finding) => finding.file === file);
      expect(found.map((finding) => finding.rule)).toContain(rule);
      expect(found.map((finding) => finding.advice).join('\n')).toContain(advice);
      expect(result.failed).toBe(true);
    });

    it('nothing but what was planted', () => {
      const planned = new Set(offences.map(({ file }) => file));
      expect(result.findings.filter(({ file }) => !planned.has(file))).toEqual([]);
    });
  });

  it('fails when it reads no file at all', () => {
    const { status, stdout } = spawnSync('npm', ['run', '--silent', 'lint', '--', empty.folder], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(stdout).toContain('No files found');
    expect(status).not.toBe(0);
  });

  it('reads every source, test and script of this repository', () => {
    const expected = filesBelow('.').filter((file) => /\.(?:ts|mjs)$/.test(file));
    expect(expected.length).toBeGreaterThan(sources.length);
    expect(lintedFiles()).toEqual(expect.arrayContaining(expected));
  });
});

describe('the house', () => {
  it('has import rules generated from the present list of floors', () => {
    const { status, stderr } = spawnSync('node', ['scripts/generate-lint-floors.mjs', '--check'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it('has no folder that stands on no floor and no unknown file on the roof', () => {
    const onRoof = roof.map(globToRegExp);
    const homeless = sources.filter((file) => {
      const name = file.slice('src/'.length);
      return name.includes('/') ? !roomOf(file) : !onRoof.some((pattern) => pattern.test(name));
    });
    expect(homeless).toEqual([]);
  });

  it('has no file deeper than the generated rules reach', () => {
    expect(sources.filter((file) => file.split('/').length - 2 > deepest)).toEqual([]);
  });

  it('has index files only where a folder has a door', () => {
    const doors = rooms.filter(({ door }) => door).map(({ folder }) => `src/${folder}/index.ts`);
    expect(sources.filter((file) => file.endsWith('/index.ts') && !doors.includes(file))).toEqual([]);
  });

  it('keeps the floors in every import, lazy ones and types of types included', () => {
    expect(sources.length).toBeGreaterThan(0);
    expect(sources.flatMap(importFaults)).toEqual([]);
  });

  it('is entered by its doors in every example, as a team would', () => {
    const examples = filesBelow('examples').filter((file) => file.endsWith('.ts'));
    expect(examples.length).toBeGreaterThan(0);
    expect(examples.flatMap(importFaults)).toEqual([]);
  });
});

describe('sizes', () => {
  const product = sources.filter((file) => !isTest(file));
  const sizes = product.map(lineCount).sort((a, b) => a - b);
  const percentile = (share: number): number => sizes[Math.ceil(sizes.length * share) - 1] ?? 0;

  it('no source file has more than 300 lines', () => {
    expect(sources.filter((file) => lineCount(file) > 300)).toEqual([]);
  });

  it('nine files in ten have at most 200 lines', () => {
    console.info(`${sizes.length} source files: median ${percentile(0.5)} lines, p90 ${percentile(0.9)}`);
    expect(percentile(0.9)).toBeLessThanOrEqual(200);
  });
});

describe('the test command', () => {
  const config = typeof vitestConfig === 'function' ? vitestConfig({ mode: 'test', command: 'serve' }) : {};
  const projects = ('test' in config ? (config.test?.projects ?? []) : []).map((project) => {
    const { name, include = [] } = (project as { test: { name: string; include?: string[] } }).test;
    return { name, patterns: include.map(globToRegExp) };
  });
  const files = [...sources, ...filesBelow('test'), ...filesBelow('examples')];

  it.each(projects)('finds tests for project $name', ({ patterns }) => {
    expect(files.some((file) => patterns.some((pattern) => pattern.test(file)))).toBe(true);
  });

  it('leaves no test file without a project', () => {
    const tests = files.filter((file) => /(?:[.-](?:spec|test)|\.(?:contract|faults))\.ts$/.test(file));
    const lost = tests.filter((file) => !projects.some(({ patterns }) => patterns.some((p) => p.test(file))));
    expect(tests.length).toBeGreaterThan(0);
    expect(lost).toEqual([]);
  });
});
