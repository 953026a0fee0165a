import type { DynamicModule, Type } from '@nestjs/common';
import { ConfigModule as NestConfigModule } from '@nestjs/config';
import type { Environment } from './profile.js';
import { type ModuleWithSettings, SETTINGS_SOURCE, type SettingsRules } from './registration.js';
import { loadSettings } from './settings-loader.js';
import { Settings } from './settings.js';

const features = new WeakMap<Type, ModuleWithSettings>();

/**
 * The environment, read once. `forRoot` is called while the application module is put together, not when
 * its file is imported, because @nestjs/config validates at that moment; what it validates is the whole
 * module graph, so that every fault of every module is in one report.
 */
export class ConfigModule {
  /**
   * @param root the application module, whose imports are walked for settings
   * @param env variables to use; undefined: the process environment over a `.env` file
   * @throws SettingsError with all faults
   */
  static async forRoot(root: DynamicModule, env?: Environment): Promise<DynamicModule> {
    let variables: Environment = env ?? {};
    let settings = new Settings('production');
    const nest = await NestConfigModule.forRoot({
      isGlobal: true,
      ignoreEnvFile: env !== undefined,
      ignoreEnvVars: env !== undefined,
      skipProcessEnv: true,
      load: [() => settings.byVariable()],
      // Nothing is returned at top level: @nestjs/config would copy it into process.env, secrets included.
      validate: (read) => {
        variables = env ?? (read as Environment);
        return {};
      },
    });
    settings = await loadSettings(root, variables);
    return {
      module: ConfigModule,
      global: true,
      imports: [nest],
      providers: [{ provide: Settings, useValue: settings }],
      exports: [Settings, nest],
    };
  }

  /** Makes a settings class injectable in the importing module and part of the start-up check. */
  static forFeature(type: Type<object>): DynamicModule {
    const known = features.get(type);
    if (known) return known;
    const module: ModuleWithSettings = {
      module: ConfigFeatureModule,
      providers: [
        { provide: type, useFactory: (settings: Settings) => settings.of(type), inject: [Settings] },
      ],
      exports: [type],
      [SETTINGS_SOURCE]: {
        registrations: () => [{ type }],
        rules: (context) => {
          const instance: Partial<SettingsRules> = context.settings.of(type);
          return instance.rules?.(context) ?? [];
        },
      },
    };
    features.set(type, module);
    return module;
  }
}

class ConfigFeatureModule {}

/**
 * The settings of an application module that has been put together but not built yet.
 *
 * @throws Error when no module among them is `ConfigModule.forRoot()`: a programming error
 */
export function settingsIn(modules: readonly DynamicModule[]): Settings {
  for (const provider of modules.flatMap(({ providers = [] }) => providers)) {
    if ('useValue' in provider && provider.useValue instanceof Settings) return provider.useValue;
  }
  throw new Error('The application module does not import ConfigModule.forRoot()');
}
