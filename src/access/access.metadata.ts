/** Scopes that a route asks for, on class and method together. */
export const REQUIRED_SCOPES = Symbol('access:scopes');

/** Name of the parameter of a route that names a tenant. */
export const TENANT_PARAMETER = Symbol('access:tenant');
