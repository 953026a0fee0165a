import type { DynamicModule } from '@nestjs/common';
import { validateSync } from 'class-validator';
import type { Secret } from '../kernel/redact.js';
import { type Environment, type Profile, PROFILES, defaultProfile, isLocal, isProfile } from './profile.js';
import { type Fault, SettingsError } from './fault.js';
import { dynamicModulesOf } from './module-graph.js';
import {
  type ModuleWithSettings,
  type Registration,
  type RuleContext,
  SETTINGS_SOURCE,
} from './registration.js';
import { type OwnSecret, isKept, localSecret, ownSecretFaults } from './own-secrets.js';
import { Settings } from './settings.js';
import { type Reading, readVariable, variableName } from './variable-reader.js';
import { type Variable, variablesOf } from './variable.decorator.js';

/**
 * Reads and judges the settings of every module in the graph below `root`.
 *
 * @throws SettingsError with all faults of all modules at once
 */
export async function loadSettings(root: DynamicModule, env: Environment): Promise<Settings> {
  const modules = await dynamicModulesOf(root);
  const { settings, faults } = judge(modules, env);
  if (faults.length > 0) throw new SettingsError(faults);
  return settings;
}

/** As loadSettings, but gives the faults back instead of throwing; `env --check` prints them. */
export function judge(
  modules: readonly DynamicModule[],
  env: Environment,
): { settings: Settings; faults: Fault[] } {
  const { profile, fault } = readProfile(env);
  const settings = new Settings(profile);
  const faults = fault ? [fault] : [];
  for (const registration of registrationsOf(modules)) faults.push(...fill(registration, env, settings));
  if (!fault) faults.push(...ownSecretFaults(readableSecrets(modules, settings, faults), profile));
  // Against a guessed profile the rules would only report consequences of the guess.
  if (!fault) faults.push(...brokenRules(modules, { profile, env, settings }, faults));
  return { settings, faults };
}

/** Rules across fields; what follows from a field that is broken itself is not a second fault. */
function brokenRules(
  modules: readonly DynamicModule[],
  context: RuleContext,
  fields: readonly Fault[],
): Fault[] {
  const variables = variablesIn(fields);
  const purposes = new Set(fields.map(({ purpose }) => purpose));
  return sourcesOf(modules)
    .flatMap(({ source }) => source.rules?.(context, modules) ?? [])
    .filter(({ variable, purpose }) => !variables.has(variable) && (!purpose || !purposes.has(purpose)));
}

/** One that cannot be read has its fault already, and is not missing as well. */
function readableSecrets(
  modules: readonly DynamicModule[],
  settings: Settings,
  faults: readonly Fault[],
): OwnSecret[] {
  const broken = variablesIn(faults);
  return ownSecretsOf(modules, settings).filter(({ variable }) => !broken.has(variable));
}

/** A fault of a `_FILE` is one of the variable that it stands for. */
function variablesIn(faults: readonly Fault[]): ReadonlySet<string> {
  return new Set(faults.flatMap(({ variable }) => [variable, variable.replace(/_FILE$/, '')]));
}

/** Every settings class in use, each once per prefix. */
export function registrationsOf(modules: readonly DynamicModule[]): Registration[] {
  const unique: Registration[] = [];
  for (const { source } of sourcesOf(modules)) {
    for (const registration of source.registrations(modules)) {
      // By the class itself: two features may call theirs by one name.
      const known = unique.some(
        ({ type, prefix }) => type === registration.type && prefix === registration.prefix,
      );
      if (!known) unique.push(registration);
    }
  }
  return unique;
}

function sourcesOf(modules: readonly ModuleWithSettings[]) {
  return modules.flatMap((module) => {
    const source = module[SETTINGS_SOURCE];
    return source ? [{ source }] : [];
  });
}

function readProfile(env: Environment): { profile: Profile; fault?: Fault } {
  const text = env.APP_PROFILE;
  if (!text) return { profile: defaultProfile(env) };
  if (isProfile(text)) return { profile: text };
  return {
    // The strictest profile, so that a typo never relaxes a rule.
    profile: 'production',
    fault: {
      variable: 'APP_PROFILE',
      rule: `must be one of ${PROFILES.join(', ')}`,
      remedy: 'Correct the name',
    },
  };
}

function fill({ type, prefix = '', purpose }: Registration, env: Environment, settings: Settings): Fault[] {
  const instance = new type();
  const faults: Fault[] = [];
  const broken = new Set<string>();
  for (const variable of variablesOf(type)) {
    const reading = readVariable(variable, prefix, env) ?? generate(variable, prefix, settings);
    if (!reading) continue;
    if ('fault' in reading) {
      faults.push({ ...reading.fault, ...(purpose ? { purpose } : {}) });
      broken.add(variable.property);
    } else {
      Reflect.set(instance, variable.property, reading.value);
      if (reading.file !== undefined) settings.noteFile(variableName(variable, prefix), reading.file);
    }
  }
  settings.set(type, prefix, instance);
  return [...faults, ...validate(instance, { type, prefix, ...(purpose ? { purpose } : {}) }, broken)];
}

/** Local profiles start without a secret having to be made up. */
function generate(variable: Variable, prefix: string, settings: Settings): Reading {
  if (variable.ownSecret !== 'generated' || !isLocal(settings.profile)) return undefined;
  const name = variableName(variable, prefix);
  settings.noteGenerated(name, isKept(name, settings.profile));
  return { value: localSecret(name, settings.profile) };
}

function ownSecretsOf(modules: readonly DynamicModule[], settings: Settings): OwnSecret[] {
  return registrationsOf(modules).flatMap(({ type, prefix = '' }) =>
    variablesOf(type)
      .filter(({ ownSecret }) => ownSecret)
      .map((variable) => ({
        variable: variableName(variable, prefix),
        value: Reflect.get(settings.of(type, prefix), variable.property) as Secret | undefined,
        ring: variable.ring ?? false,
        remedy: variable.remedy,
      })),
  );
}

function validate(instance: object, registration: Registration, broken: ReadonlySet<string>): Fault[] {
  const variables = new Map(variablesOf(registration.type).map((v) => [v.property, v]));
  // target and value stay out: a serialised ValidationError would otherwise carry every secret.
  const options = { validationError: { target: false, value: false }, forbidUnknownValues: false };
  return validateSync(instance, options).flatMap((error) => {
    const variable = variables.get(error.property);
    if (!variable || broken.has(error.property)) return [];
    return Object.values(error.constraints ?? {}).map((message) => ({
      variable: variableName(variable, registration.prefix ?? ''),
      ...(registration.purpose ? { purpose: registration.purpose } : {}),
      rule: message.replace(new RegExp(`^${error.property} `), ''),
      remedy: variable.doc,
    }));
  });
}
