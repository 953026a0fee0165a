import type { Type } from '@nestjs/common';
import type { Profile } from './profile.js';
import { variableName } from './variable-reader.js';
import { variablesOf } from './variable.decorator.js';

/** All validated settings of the application. Settings classes are injected by type; this is their store. */
export class Settings {
  private readonly instances = new Map<Type<object>, Map<string, object>>();
  private readonly values: Record<string, unknown> = {};
  private readonly generatedNames: string[] = [];
  private readonly keptNames: string[] = [];
  private readonly warningLines: string[] = [];
  private readonly files = new Map<string, string>();

  constructor(readonly profile: Profile) {}

  /** @throws Error when no module registered the class: a programming error, not a configuration fault */
  of<T extends object>(type: Type<T>, prefix = ''): T {
    const instance = this.instances.get(type)?.get(prefix);
    if (!instance)
      throw new Error(`${type.name} is not registered: import ConfigModule.forFeature(${type.name})`);
    return instance as T;
  }

  has(type: Type<object>, prefix = ''): boolean {
    return this.instances.get(type)?.has(prefix) ?? false;
  }

  set(type: Type<object>, prefix: string, instance: object): void {
    const byPrefix = this.instances.get(type) ?? new Map<string, object>();
    this.instances.set(type, byPrefix.set(prefix, instance));
    for (const variable of variablesOf(type)) {
      this.values[variableName(variable, prefix)] = Reflect.get(instance, variable.property);
    }
  }

  /** Names of the secrets that were generated because none was given; said once at start. */
  get generated(): readonly string[] {
    return this.generatedNames;
  }

  /** Those of them that an earlier start in this folder has made; only development keeps them. */
  get kept(): readonly string[] {
    return this.keptNames;
  }

  noteGenerated(name: string, kept = false): void {
    this.generatedNames.push(name);
    if (kept) this.keptNames.push(name);
  }

  /** What a start goes on with although it is probably a mistake; no secret. Said at each start and by `env --check`. */
  get warnings(): readonly string[] {
    return this.warningLines;
  }

  /** Called by rules. */
  warn(line: string): void {
    this.warningLines.push(line);
  }

  /** Path of the file that a variable was read from; undefined: from the variable itself, or not at all. */
  fileOf(variable: string): string | undefined {
    return this.files.get(variable);
  }

  noteFile(variable: string, path: string): void {
    this.files.set(variable, path);
  }

  /** Validated values by variable name, for ConfigService; secrets stay wrapped. */
  byVariable(): Readonly<Record<string, unknown>> {
    return this.values;
  }
}
