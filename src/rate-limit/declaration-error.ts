import { EXIT, StartupError } from '../kernel/errors.js';

/** Something that code declares and that cannot be counted or found; the application does not start. */
export abstract class DeclarationError extends StartupError {
  readonly exitCode = EXIT.config;
  /** What is at fault, as the report heads it: `rate-limit policies`. */
  protected abstract readonly subject: string;

  /** @param faults one line each, all of them */
  constructor(readonly faults: readonly string[]) {
    super(faults.join('\n'));
    this.name = new.target.name;
  }

  report(): string {
    return [`Refusing to start: ${this.subject}`, ...this.faults.map((fault) => `  ${fault}`)].join('\n');
  }
}
