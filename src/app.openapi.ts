import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { describeAnswers } from './app.openapi-answers.js';
import { describeBodies } from './app.openapi-bodies.js';
import { describeOperations } from './app.openapi-operations.js';
import { addProblems } from './app.openapi-problems.js';

const cookie = (description: string) => ({ type: 'apiKey' as const, in: 'cookie', description });

/** The description of the API: served at /docs in demo and development, and committed as docs/openapi.json. */
export function buildOpenApi(app: NestFastifyApplication, appName: string): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle(appName)
    .setDescription('Errors are RFC 9457 problem details.')
    .setVersion('1')
    .addBearerAuth({
      type: 'http',
      scheme: 'bearer',
      description: 'Access token of POST /v1/auth/token, or of a service account.',
    })
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'The OPS_TOKEN of the deployment.' }, 'ops')
    .addCookieAuth('__Secure-billing-stream', cookie('Of POST /v1/billing/stream/session.'), 'streamCookie')
    .addCookieAuth(
      '__Secure-rt',
      cookie('Of a login with "cookie": true; else the body has the token.'),
      'refreshCookie',
    )
    .build();
  const document = SwaggerModule.createDocument(app, config);
  describeBodies(app, document);
  addProblems(document);
  describeOperations(app, document);
  describeAnswers(document);
  return document;
}

export function serveOpenApi(app: NestFastifyApplication, appName: string): void {
  SwaggerModule.setup('docs', app, () => buildOpenApi(app, appName), { jsonDocumentUrl: 'docs-json' });
}
