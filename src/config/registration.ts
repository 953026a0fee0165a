import type { DynamicModule, Type } from '@nestjs/common';
import type { Environment, Profile } from './profile.js';
import type { Fault } from './fault.js';
import type { Settings } from './settings.js';

/** A settings class as one module uses it. */
export interface Registration<T extends object = object> {
  readonly type: Type<T>;
  /** Put before every variable name that begins with `_`. */
  readonly prefix?: string;
  /** The compartment that the variables belong to; shown in faults. */
  readonly purpose?: string;
}

export interface RuleContext {
  readonly profile: Profile;
  readonly env: Environment;
  readonly settings: Settings;
}

/** What a dynamic module carries so that its settings are read before the container is built. */
export interface SettingsSource {
  /** `modules` are all dynamic modules of the application, so that a source can see who uses it. */
  registrations(modules: readonly DynamicModule[]): readonly Registration[];
  /** Rules that span several fields or classes. Runs only when every single field is valid. */
  rules?(context: RuleContext, modules: readonly DynamicModule[]): readonly Fault[];
}

export const SETTINGS_SOURCE = Symbol('settings:source');

export interface ModuleWithSettings extends DynamicModule {
  [SETTINGS_SOURCE]?: SettingsSource;
}

/** A settings class may judge its own fields together, against the profile. */
export interface SettingsRules {
  /** What is suspicious and no fault goes to `settings.warn`. */
  rules(context: RuleContext): readonly Fault[];
}
