import { SetMetadata, UseGuards, applyDecorators } from '@nestjs/common';
import { AccessGuard } from './access.guard.js';
import { REQUIRED_SCOPES, TENANT_PARAMETER } from './access.metadata.js';

/**
 * Only whoever shows a valid access token of a live session. On a class it holds for all of its routes. The module of the
 * controller imports AccessModule.
 */
export const Authenticated = (): ClassDecorator & MethodDecorator => applyDecorators(UseGuards(AccessGuard));

const asked = new Set<string>();

/** As `@Authenticated()`, and the token has all of these scopes; those of the class hold beside those of the method. */
export const RequireScopes = (first: string, ...more: string[]): ClassDecorator & MethodDecorator => {
  for (const scope of [first, ...more]) asked.add(scope);
  return applyDecorators(SetMetadata(REQUIRED_SCOPES, [first, ...more]), UseGuards(AccessGuard));
};

/** What routes of this process ask for, those of features included: complete once the application module is loaded. */
export function requiredScopes(): readonly string[] {
  return [...asked];
}

/**
 * As `@Authenticated()`, and the token is for the tenant that the route names.
 *
 * @param parameter name of the parameter in the path; a route that lacks it lets nobody in
 */
export const TenantOnly = (parameter = 'tenantId'): ClassDecorator & MethodDecorator =>
  applyDecorators(SetMetadata(TENANT_PARAMETER, parameter), UseGuards(AccessGuard));
