import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { read, root } from './project-files.js';

export interface Finding {
  file: string;
  rule: string;
  advice: string;
}

export interface LintResult {
  failed: boolean;
  filesRead: number;
  findings: Finding[];
}

interface LintReport {
  number_of_files: number;
  diagnostics: { filename: string; code?: string; message: string; help?: string }[];
}

const packageJson = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
const [command = '', ...flags] = (packageJson.scripts['lint'] ?? '').split(' ');
const path = [join(root, 'node_modules', '.bin'), process.env['PATH']].join(delimiter);

/** The project's own lint command, as package.json has it, in another folder. */
export function lint(folder: string): LintResult {
  const { status, stdout } = spawnSync(command, [...flags, '--format=json'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
  });
  const report = JSON.parse(stdout) as LintReport;
  return {
    failed: status !== 0,
    filesRead: report.number_of_files,
    findings: report.diagnostics.map(({ filename, code, message, help }) => ({
      file: filename,
      rule: code ?? message,
      advice: help ?? '',
    })),
  };
}

/** The files that the lint command opens in this repository. */
export function lintedFiles(): string[] {
  const env = { ...process.env, PATH: path };
  const output = execFileSync(command, [...flags, '--debug=files'], { cwd: root, encoding: 'utf8', env });
  return output.split('\n').filter(Boolean);
}

/** A small house of its own with this project's settings, for planting offences in. */
export function buildHouse(files: Record<string, string>): { folder: string; remove: () => void } {
  const plot = mkdtempSync(join(tmpdir(), 'bulkhead-house-'));
  const folder = join(plot, 'house');
  mkdirSync(folder);
  for (const settings of ['.oxlintrc.json', '.oxlintrc.floors.json', 'tsconfig.json']) {
    copyFileSync(join(root, settings), join(folder, settings));
  }
  // Beside the house, not in it: packages are found on the way up, and the linter does not walk into the link.
  symlinkSync(join(root, 'node_modules'), join(plot, 'node_modules'), 'dir');
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return { folder, remove: () => rmSync(plot, { recursive: true, force: true }) };
}
