import type { Fault } from '../../config/index.js';
import type { Loss } from '../loss.js';
import { type FaultSource, faultOf } from '../startup-report.js';
import type { Replaced, RotationOutcome, RotationReport } from './rotation-report.js';

/** What stands for the variable where a provider gives the credentials. */
export const PROVIDER = 'RedisModule.forRoot';

/** Where something new came from. */
export type Origin = 'secrets' | 'certificates' | 'provider';

/** Says why something new of one purpose is not used, in one line with variable, reason and remedy. */
export class KeptBack {
  private readonly complaints = new Map<Origin, string>();

  constructor(
    private readonly source: FaultSource,
    private readonly report: RotationReport,
  ) {}

  /** Something is wrong with what was found, and still is. */
  get any(): boolean {
    return this.complaints.size > 0;
  }

  /** What was found is usable, whatever a server says to it. */
  clear(origin: Origin): void {
    this.complaints.delete(origin);
  }

  /** Nothing can be made of the files. */
  unreadable(origin: 'secrets' | 'certificates', faults: readonly Fault[]): void {
    this.complain(origin, 'unreadable', faults);
  }

  /** Nobody says whether the files have changed. */
  unanswered(origin: 'secrets' | 'certificates', variables: readonly string[]): void {
    const rule = 'names a file that cannot be read: its file system does not answer';
    const remedy = 'See to the file system; the file is looked at as soon as it answers';
    this.complain(origin, 'unreadable', [this.fault(variables.join(', '), rule, remedy)]);
  }

  /** The provider gave nothing. @param error safe to show */
  unissued(error: Error): void {
    const remedy = 'Mend what it asks; it is asked again after a pause';
    this.complain('provider', 'unissued', [this.fault(PROVIDER, error.message, remedy)]);
  }

  /** The files name another server. @param variables the files that were read */
  elsewhere(variables: readonly string[]): void {
    const variable = variables.find((name) => name.endsWith('_URL_FILE')) ?? variables.join(', ');
    const rule =
      'names another server, database or scheme than at the start, where what is stored would stay behind';
    this.complain('secrets', 'restart', [this.fault(variable, rule, 'Restart to move there')]);
  }

  /** A server refused it. */
  refused(what: Replaced, variables: readonly string[], loss: Loss, first: boolean): void {
    const fault =
      loss.suspect === 'credentials'
        ? this.fault(variables.join(', '), this.ruleOf(loss), this.remedyFor(variables))
        : faultOf(this.source, loss);
    this.report.kept(this.source.purpose, 'refused', { what, fault, first });
  }

  /** No server could be asked. */
  untried(what: Replaced, variables: readonly string[], loss: Loss, first: boolean): void {
    const rule = `could not be tried: ${this.ruleOf(loss)}`;
    const fault = this.fault(variables.join(', '), rule, 'It is tried again with every look');
    this.report.kept(this.source.purpose, 'untried', { what, fault, first });
  }

  private complain(
    origin: Origin,
    outcome: Exclude<RotationOutcome, 'applied'>,
    faults: readonly Fault[],
  ): void {
    const complaint = JSON.stringify(faults);
    const first = this.complaints.get(origin) !== complaint;
    this.complaints.set(origin, complaint);
    const what = origin === 'certificates' ? 'certificates' : 'credentials';
    // One attempt, however much is wrong with it.
    for (const [index, fault] of faults.entries())
      this.report.kept(this.source.purpose, outcome, { what, fault, first: first && index === 0 });
  }

  private fault(variable: string, rule: string, remedy: string): Fault {
    return { variable, purpose: this.source.purpose, rule, remedy };
  }

  private ruleOf({ detail, reason }: Loss): string {
    return `${this.source.address}: ${detail} (${reason})`;
  }

  private remedyFor(variables: readonly string[]): string {
    return variables.includes(PROVIDER)
      ? 'See for whom the credential provider issues, and whether the server knows it'
      : 'Correct the file, or let the server accept what it holds (ACL SETUSER with one more password)';
  }
}
