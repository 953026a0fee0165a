import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { refuseExpectations } from './expectations.js';
import { acceptJson } from './json-body.js';
import { servePlainRoutes } from './plain-route.js';
import { ProblemFilter } from './problem.filter.js';
import { type RequestLogOptions, recordRequests } from './request-log.js';
import { rememberMethods } from './route-methods.js';
import { keepRefusals } from './router-refusals.js';
import { endUnusedConnections } from './unused-connections.js';
import { createValidationPipe } from './validation.js';

/** Everything between the socket and the controllers; called once, before the application is initialised. */
export function furnishHttpDoor(app: NestFastifyApplication, options: RequestLogOptions): void {
  const instance = app.getHttpAdapter().getInstance();
  acceptJson(instance);
  rememberMethods(instance);
  keepRefusals(instance);
  refuseExpectations(instance);
  recordRequests(instance, options);
  endUnusedConnections(instance);
  servePlainRoutes(app);
  app.useGlobalPipes(createValidationPipe());
  app.useGlobalFilters(new ProblemFilter());
}
