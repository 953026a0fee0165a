export { MOST_CERTIFICATE_BYTES, UnfitFile, readBounded, readBoundedLater } from './bounded-file.js';
export { ConfigModule, settingsIn } from './config.module.js';
export { EnvVariable, type Variable, variablesOf } from './variable.decorator.js';
export { type Fault, SettingsError, formatFaults } from './fault.js';
export { dynamicModulesOf } from './module-graph.js';
export { type Environment, type Profile, isLocal } from './profile.js';
export {
  type ModuleWithSettings,
  type Registration,
  type RuleContext,
  SETTINGS_SOURCE,
  type SettingsRules,
  type SettingsSource,
} from './registration.js';
export { type UrlFault, hostInUrl, hostOf, isUrlFault, judgeHost, readServerUrl } from './server-url.js';
export { judge, registrationsOf } from './settings-loader.js';
export { DEVELOPMENT_FILE } from './own-secrets.js';
export { Settings } from './settings.js';
export { PublicUrlSettings, isOwnOrigin } from './public-url.config.js';
export { judgeTlsFiles, readTlsFiles } from './tls-files.js';
export { readSecretFile, variableName } from './variable-reader.js';
