export { createFastifyAdapter } from './fastify-adapter.js';
export { HttpSettings } from './http.config.js';
export { furnishHttpDoor } from './http-door.js';
export { HttpModule } from './http.module.js';
export { OpsAccess, OpsGuard, OpsOnly } from './ops.guard.js';
export { PreparedProblem } from './prepared-problem.js';
export { BodyLimit, NoStore } from './route.decorators.js';
export { type FieldError, ValidationFailedError } from './validation.js';
