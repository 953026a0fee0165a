import { type AppFeatures, features } from '../../src/app.features.js';

/**
 * The house without what a team has entered in src/app.features.ts: `AppModule.register({ env, ...NO_FEATURES })`. Tests of
 * the house count its purposes and know their servers only.
 */
export const NO_FEATURES: Required<AppFeatures> = { imports: [], redis: {}, rateLimit: {} };

/** Node runs it first; the module that holds the features is then an empty one. */
const PRELUDE = `
import { register } from 'node:module';
const hooks = \`
export function load(url, context, next) {
  if (!url.endsWith('/dist/app.features.js')) return next(url, context);
  return { format: 'module', shortCircuit: true, source: 'export const features = {};' };
}\`;
register('data:text/javascript,' + encodeURIComponent(hooks));
`;

/** Arguments of Node with which a build runs without features; none where a team has entered none. */
export function nodeArgumentsWithoutFeatures(): string[] {
  if (Object.keys(features).length === 0) return [];
  return ['--import', `data:text/javascript,${encodeURIComponent(PRELUDE)}`];
}
