import { type DynamicModule, type InjectionToken, Module, type Provider } from '@nestjs/common';
import {
  type ModuleWithSettings,
  type Registration,
  SETTINGS_SOURCE,
  Settings,
  type SettingsSource,
} from '../config/index.js';
import type { Clock } from '../kernel/time.js';
import { CLOCK, Metrics } from '../telemetry/index.js';
import {
  type InactiveWhen,
  PURPOSE_IMPORT,
  type PurposeModule,
  activePurposes,
  importedPurposes,
  optionsOf,
} from './active-purposes.js';
import { getRedisToken } from './inject-redis.decorator.js';
import { type Lane, type Purpose } from './purposes.js';
import { DurabilitySettings, PurposeSettings, RedisSettings, durabilityStem } from './redis.config.js';
import { REDIS_OPTIONS, type RedisModuleAsyncOptions, type RedisModuleOptions } from './redis.options.js';
import { definitionsOf, generalFaults, planPurposes } from './redis-plan.js';
import { RedisRegistry } from './redis-registry.js';
import { RedisStatus } from './redis-status.js';
import { RedisRotation } from './rotation/redis-rotation.js';

export interface ForPurposeOptions {
  /** The purpose stays inactive while this holds; its client is then `undefined`. */
  readonly unless?: InactiveWhen;
}

/** Owns the registry. Private to this file: a feature that could import it could reach every purpose. */
@Module({
  providers: [
    {
      provide: RedisRegistry,
      inject: [Settings, REDIS_OPTIONS, Metrics, CLOCK],
      useFactory: (settings: Settings, options: RedisModuleOptions, metrics: Metrics, clock: Clock) =>
        new RedisRegistry({ settings, options, metrics, clock }),
    },
    { provide: RedisStatus, useExisting: RedisRegistry },
    {
      provide: RedisRotation,
      inject: [RedisRegistry],
      useFactory: (registry: RedisRegistry) => registry.rotation,
    },
  ],
  exports: [RedisRegistry, RedisStatus, RedisRotation],
})
class RedisCoreModule {}

class RedisOptionsModule {}
class RedisPurposeModule {}
class RedisInspectionModule {}

/**
 * `forRoot` once in the application module, `forPurpose` in every feature that needs a compartment. The
 * container is the fence: a feature can inject only the clients of the purposes it imported, because
 * forPurpose looks the client up in a registry that it does not pass on.
 */
export class RedisModule {
  private static readonly purposes = new Map<string, DynamicModule>();

  static forRoot(options: RedisModuleOptions = {}): DynamicModule {
    return root([{ provide: REDIS_OPTIONS, useValue: options }], [], settingsSource(options));
  }

  /** As forRoot, with URLs from a factory: whether one is missing is judged when the container is built. */
  static forRootAsync(options: RedisModuleAsyncOptions): DynamicModule {
    const { imports = [], inject = [], useFactory, purposes = {} } = options;
    const provider = {
      provide: REDIS_OPTIONS,
      inject: [...inject] as InjectionToken[],
      useFactory: async (...dependencies: never[]) => ({ purposes, ...(await useFactory(...dependencies)) }),
    };
    return root([provider], imports, settingsSource({ purposes }, 'urls come later'));
  }

  /** Looks up the clients of a purpose; creates nothing, however many modules import it. */
  static forPurpose(purpose: Purpose, { unless }: ForPurposeOptions = {}): DynamicModule {
    const known = unless ? undefined : RedisModule.purposes.get(purpose);
    if (known) return known;
    const module = purposeModule(purpose, unless);
    if (!unless) RedisModule.purposes.set(purpose, module);
    return module;
  }

  /** Whether a purpose of this application will run on the embedded engine; known before anything starts. */
  static usesEmbeddedEngine(modules: readonly DynamicModule[], settings: Settings): boolean {
    const active = activePurposes(modules, settings);
    if (active.length === 0) return false;
    const { planned } = planPurposes(active, optionsOf(modules), settings, {});
    return planned.some(({ connection }) => connection.engine === 'embedded');
  }

  /** Gives RedisStatus, which looks and hands out no client. For health, logs and the console. */
  static forInspection(): DynamicModule {
    return inspection;
  }
}

const inspection: DynamicModule = {
  module: RedisInspectionModule,
  imports: [RedisCoreModule],
  providers: [{ provide: RedisStatus, useExisting: RedisRegistry }],
  exports: [RedisStatus],
};

function root(
  providers: Provider[],
  imports: DynamicModule['imports'],
  source: SettingsSource,
): ModuleWithSettings {
  return {
    module: RedisOptionsModule,
    // The options only, never a client.
    global: true,
    imports: [RedisCoreModule, ...(imports ?? [])],
    providers,
    exports: [REDIS_OPTIONS],
    [SETTINGS_SOURCE]: source,
  };
}

function purposeModule(purpose: string, unless: ForPurposeOptions['unless']): PurposeModule {
  const lanes: readonly Lane[] = ['command', 'blocking', 'bulk'];
  const providers = lanes.map((lane) => ({
    provide: getRedisToken(purpose, lane),
    inject: [RedisRegistry, Settings],
    useFactory: (registry: RedisRegistry, settings: Settings) =>
      unless?.(settings) || !registry.hasLane(purpose, lane) ? undefined : registry.client(purpose, lane),
  }));
  return {
    module: RedisPurposeModule,
    imports: [RedisCoreModule],
    providers,
    exports: providers.map(({ provide }) => provide),
    [PURPOSE_IMPORT]: { purpose, ...(unless ? { unless } : {}) },
  };
}

function settingsSource(options: RedisModuleOptions, late?: 'urls come later'): SettingsSource {
  return {
    registrations: (modules) => [
      { type: RedisSettings },
      ...importedPurposes(modules).flatMap((purpose) => registrationsOf(purpose, options)),
    ],
    rules: ({ settings, env }, modules) => {
      const active = activePurposes(modules, settings);
      return [
        ...generalFaults(active, options, settings, env),
        ...(late ? [] : planPurposes(active, options, settings, env).faults),
      ];
    },
  };
}

function registrationsOf(purpose: string, options: RedisModuleOptions): Registration[] {
  const definition = definitionsOf(options)[purpose];
  if (!definition) return [];
  const own: Registration = { type: PurposeSettings, prefix: definition.env, purpose };
  if (definition.persistence === 'none') return [own];
  return [own, { type: DurabilitySettings, prefix: durabilityStem(definition.env), purpose }];
}
