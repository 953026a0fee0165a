import 'reflect-metadata';
import { Secret } from '../kernel/redact.js';
import type { Environment } from './profile.js';

export interface VariableOptions {
  /** One sentence for `.env.example` and the environment reference. */
  readonly doc: string;
  /** Shown in `.env.example` when there is no default. */
  readonly example?: string;
  /** What holds when the variable is unset, as the text one would write. */
  readonly default?: string;
  /** Where the default follows another variable; `default` is then what it comes to when that one is unset as well. */
  readonly defaultFrom?: (env: Environment) => string;
  /** The value is wrapped in a Secret. */
  readonly secret?: boolean;
  /**
   * A secret of the application itself: in staging and production it must be given, have 32 bytes and be like
   * no other. Locally, when unset, it is `generated`, or stays unset where that is `optional`.
   */
  readonly ownSecret?: 'generated' | 'optional';
  /** How to get an own secret that is missing or unfit; unset: a random value of 32 bytes. */
  readonly remedy?: string;
  /** An own secret that may be several, `newest,older,…`, so that it can be replaced; each follows the rules. */
  readonly ring?: boolean;
  /** Also read `<NAME>_FILE`: a path whose content is the value. */
  readonly file?: boolean;
  /** Turns the text into the field's value; throws an Error whose message completes "must be …". */
  readonly parse?: (text: string) => unknown;
}

export interface Variable extends VariableOptions {
  /** The variable, or `_SUFFIX` when the class is registered with a prefix. */
  readonly name: string;
  readonly property: string;
  readonly type: unknown;
}

const VARIABLES = Symbol('settings:variables');

/** Binds a field of a settings class to an environment variable. Types: string, number, boolean, Secret. */
export function EnvVariable(name: string, options: VariableOptions): PropertyDecorator {
  return (target, property) => {
    const type: unknown = Reflect.getMetadata('design:type', target, property);
    const secret = options.secret ?? type === Secret;
    const variable = { ...options, secret, name, property: String(property), type };
    // A new list: the one found may be that of the class it extends.
    Reflect.defineMetadata(VARIABLES, [...variablesOf(target.constructor), variable], target.constructor);
  };
}

export function variablesOf(type: object): Variable[] {
  return (Reflect.getMetadata(VARIABLES, type) as Variable[] | undefined) ?? [];
}
