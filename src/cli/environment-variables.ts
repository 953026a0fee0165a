import type { DynamicModule, Type } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import {
  type Registration,
  type Variable,
  registrationsOf,
  variableName,
  variablesOf,
} from '../config/index.js';
import { Secret } from '../kernel/redact.js';
import { parseDurationMs } from '../kernel/time.js';

export interface DocumentedVariable {
  readonly name: string;
  readonly doc: string;
  /** What may be written: duration, number, one of several words. */
  readonly type: string;
  readonly default?: string;
  readonly example?: string;
  readonly secret: boolean;
  /** Name of the variable that holds the path of a file with the value instead. */
  readonly fileName?: string;
}

/** The variables of one settings class, as one module uses it. */
export interface VariableGroup {
  readonly title: string;
  readonly purpose?: string;
  readonly variables: readonly DocumentedVariable[];
}

/** Every variable that some module of the application reads, from the ground floor up. */
export function variableGroups(modules: readonly DynamicModule[]): VariableGroup[] {
  return registrationsOf(modules).map((registration) => ({
    title: titleOf(registration),
    ...(registration.purpose === undefined ? {} : { purpose: registration.purpose }),
    variables: variablesOf(registration.type).map((variable) => documented(variable, registration)),
  }));
}

function documented(variable: Variable, { type, prefix = '' }: Registration): DocumentedVariable {
  const name = variableName(variable, prefix);
  const { doc, example, secret = false, file } = variable;
  return {
    name,
    doc,
    type: typeText(variable, type),
    // An empty default says no more than that the variable may be left out.
    ...(variable.default ? { default: variable.default } : {}),
    ...(example === undefined ? {} : { example }),
    secret,
    ...(file ? { fileName: `${name}_FILE` } : {}),
  };
}

function titleOf({ type, purpose }: Registration): string {
  const own: unknown = Reflect.get(type, 'title');
  const title = typeof own === 'string' ? own : wordsOf(type.name);
  return purpose === undefined ? title : `${title} (${purpose})`;
}

/** `LogSettings` is `Log`, for a class that gives no title. */
function wordsOf(className: string): string {
  return className.replace(/Settings$/, '').replace(/(?<=[a-z])(?=[A-Z])/g, ' ');
}

function typeText({ property, parse, type }: Variable, settings: Type<object>): string {
  const choices = choicesOf(settings, property);
  if (choices) return choices.length > 2 ? `one of ${choices.join(', ')}` : choices.join(' or ');
  if (parse === parseDurationMs) return 'duration';
  if (type === Number) return 'number';
  if (type === Boolean) return 'true or false';
  if (type === Array) return 'list';
  return type === Secret ? 'secret text' : 'text';
}

function choicesOf(settings: Type<object>, property: string): readonly string[] | undefined {
  const rules = getMetadataStorage().getTargetValidationMetadatas(settings, '', false, false);
  const rule = rules.find(({ name, propertyName }) => name === 'isIn' && propertyName === property);
  return rule?.constraints?.[0] as readonly string[] | undefined;
}
