import { application } from './app.environment.js';
import { AppModule } from './app.module.js';
import { buildOpenApi } from './app.openapi.js';
import { createHttpApp } from './app.setup.js';
import { cliReference } from './cli/cli-reference.js';
import { envReference } from './cli/env-reference.js';
import { envTemplate } from './cli/env-template.js';
import { variableGroups } from './cli/environment-variables.js';
import { createProgram } from './cli/program.js';
import { HttpSettings } from './http/index.js';

/**
 * Every committed file that is made of the product itself, by its path. `npm run docs:generate` writes them,
 * `npm run docs:check` and test/docs.spec.ts compare them, so that none can fall behind.
 */
export async function generatedDocuments(): Promise<Readonly<Record<string, string>>> {
  const groups = variableGroups(await application.modules());
  return {
    '.env.example': envTemplate(groups),
    'docs/cli.md': cliReference(documentedProgram()),
    'docs/environment.md': envReference(groups),
    'docs/openapi.json': await apiDescription(),
  };
}

function documentedProgram() {
  const silent = { out: () => undefined, err: () => undefined };
  const context = {
    version: '',
    output: silent,
    environment: {},
    application: () => Promise.resolve(application),
  };
  return createProgram(context, () => undefined);
}

/** Built from the controllers, never initialised: nothing connects and nothing listens. */
async function apiDescription(): Promise<string> {
  const app = await createHttpApp(AppModule.register({ env: { APP_PROFILE: 'test' } }), { logger: false });
  const document = buildOpenApi(app, app.get(HttpSettings, { strict: false }).appName);
  await app.close();
  return `${JSON.stringify(document, null, 2)}\n`;
}
