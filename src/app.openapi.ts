import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { describeBodies } from './app.openapi-bodies.js';

/** The description of the API: served at /docs in demo and development, and committed as docs/openapi.json. */
export function buildOpenApi(app: NestFastifyApplication, appName: string): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle(appName)
    .setDescription('Errors are RFC 9457 problem details.')
    .setVersion('1')
    .addBearerAuth()
    .build();
  const document = SwaggerModule.createDocument(app, config);
  describeBodies(app, document);
  return document;
}

export function serveOpenApi(app: NestFastifyApplication, appName: string): void {
  SwaggerModule.setup('docs', app, () => buildOpenApi(app, appName), { jsonDocumentUrl: 'docs-json' });
}
