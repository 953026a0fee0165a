import { EXIT, StartupError } from '../kernel/errors.js';

/** One thing that is wrong with the configuration. Never holds the value of a variable. */
export interface Fault {
  /** The variable to look at. */
  readonly variable: string;
  /** The compartment it belongs to, if any. */
  readonly purpose?: string;
  /** What is wrong, and why it matters. */
  readonly rule: string;
  /** What to do. */
  readonly remedy: string;
}

/** Every fault of every module in one list; thrown before anything connects. */
export class SettingsError extends StartupError {
  readonly exitCode = EXIT.config;

  constructor(readonly faults: readonly Fault[]) {
    super(`${faults.length} configuration fault${faults.length === 1 ? '' : 's'}`);
    this.name = 'SettingsError';
  }

  report(): string {
    return [`Refusing to start: ${this.message}.`, ...formatFaults(this.faults)].join('\n');
  }
}

export function formatFaults(faults: readonly Fault[]): string[] {
  return faults.map(
    ({ variable, purpose, rule, remedy }) =>
      `  - ${variable}${purpose ? ` (${purpose})` : ''}: ${rule}. ${remedy}.`,
  );
}
