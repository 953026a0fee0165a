import type { Fault } from '../../config/index.js';
import { EXIT } from '../../kernel/errors.js';
import type { CliContext } from '../cli-context.js';
import { HttpDriver, type Page } from './http-driver.js';
import { startOwnApplication } from './own-application.js';
import type { Place } from './report.js';
import { type Target, TargetError, originOf, targetOf } from './target.js';

/** Something that can be driven, and how to leave it behind. */
export interface OpenPlace {
  readonly target: Target;
  readonly about: Place;
  readonly notes: readonly string[];
  /** What went wrong with it meanwhile, as a note. */
  readonly aftermath: () => readonly string[];
  readonly leave: () => Promise<void>;
}

/** A deployment that runs already. The token is that of the environment, never that of a local `.env`. */
export function openDeployment(url: URL, { environment }: CliContext): OpenPlace {
  const target = targetOf(url, environment['OPS_TOKEN']);
  return {
    target,
    about: { kind: 'url', origin: originOf(target) },
    notes: [],
    aftermath: () => [],
    leave: () => Promise.resolve(),
  };
}

/**
 * The built application, started as it would start here; with embedded engines where it has no Redis at all.
 *
 * @throws TargetError when its settings are wrong or it does not become ready
 */
export async function openOwnApplication(context: CliContext, signal: AbortSignal): Promise<OpenPlace> {
  const { profile, notes } = await profileOf(context);
  const environment = { ...context.environment, ...(notes.length === 0 ? {} : { APP_PROFILE: profile }) };
  const application = await startOwnApplication(environment, signal);
  const { target } = application;
  return {
    target,
    about: { kind: 'own', origin: originOf(target), profile, engine: await engineOf(target) },
    notes,
    aftermath: () => {
      const code = application.endedWith();
      return code === undefined ? [] : [`The application ended with ${code} during the test.`];
    },
    leave: () => application.stop(),
  };
}

/** Asked of the settings before anything is started, so that a refusal is the one that a start would print. */
async function profileOf({ application }: CliContext): Promise<{ profile: string; notes: string[] }> {
  const started = await (await application()).start();
  if (!('refusal' in started)) return { profile: started.settings.profile, notes: [] };
  const { faults, exitCode } = started.refusal;
  if (!faults.every(isMissingAddress)) throw new TargetError(started.refusal.report(), exitCode);
  const purposes = faults.map(({ purpose }) => purpose).join(', ');
  return {
    profile: 'demo',
    notes: [`No Redis is configured for ${purposes}: the profile is demo, and they run on embedded engines.`],
  };
}

function isMissingAddress({ purpose, variable, rule }: Fault): boolean {
  return purpose !== undefined && variable.endsWith('_URL') && rule.startsWith('is not set');
}

/** What the limits are counted on, by the word of the application itself. */
async function engineOf(target: Target): Promise<string> {
  try {
    const { body } = await new HttpDriver(target).page('/readyz');
    const { purposes } = JSON.parse(body) as { purposes: Record<string, { engine?: string }> };
    return purposes['rateLimit'] ? (purposes['rateLimit'].engine ?? 'unknown') : 'inactive';
  } catch {
    // For the report only: the test itself will show what is wrong.
    return 'unknown';
  }
}

/** What the first request, which is not counted, says about those that follow. */
export interface Reconnaissance {
  /** `RateLimit-Policy` of the answer. */
  readonly policy: string | undefined;
  /** Whether requests may come from many addresses of this machine. */
  readonly manyAddresses: boolean;
}

/**
 * @throws TargetError when the target cannot be reached, or the path is not one that can be measured
 */
export async function reconnoitre({ target, about }: OpenPlace, path: string): Promise<Reconnaissance> {
  const driver = new HttpDriver(target);
  const where = originOf(target);
  const ask = async (localAddress?: string): Promise<Page | 'EADDRNOTAVAIL'> => {
    try {
      return await driver.page(path, { localAddress, withinMs: 10_000 });
    } catch (error) {
      const cause = error instanceof Error ? error.message : 'FAILED';
      if (localAddress !== undefined && cause === 'EADDRNOTAVAIL') return cause;
      throw new TargetError(`${where} cannot be reached (${cause}).`, EXIT.unavailable);
    }
  };
  // Other systems than Linux give the machine 127.0.0.1 only.
  const first = about.kind === 'own' ? await ask('127.0.0.2') : 'EADDRNOTAVAIL';
  const page = first === 'EADDRNOTAVAIL' ? await ask() : first;
  if (page === 'EADDRNOTAVAIL') throw new TargetError(`${where} cannot be reached.`, EXIT.unavailable);
  const refusal = refusalOf(page.status, target);
  if (refusal) throw new TargetError(`GET ${where}${path} answers ${page.status}: ${refusal}`, EXIT.usage);
  const policy = page.headers['ratelimit-policy'];
  return {
    policy: Array.isArray(policy) ? policy.join(', ') : policy,
    manyAddresses: first !== 'EADDRNOTAVAIL',
  };
}

/** Answers that would be the same for every request, so that nothing would be measured. */
function refusalOf(status: number, { token }: Target): string | undefined {
  if (status === 404) return 'choose another one with --path';
  if (status !== 401 && status !== 403) return undefined;
  return token === undefined
    ? 'set OPS_TOKEN to the token of that deployment, or choose an open path with --path'
    : 'the OPS_TOKEN of the environment is not the one of that deployment';
}
