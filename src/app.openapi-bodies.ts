import { ModulesContainer } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import { getMetadataStorage } from 'class-validator';

type Schema = Record<string, unknown>;
export type BodyClass = new () => object;

export interface ObjectSchema extends Schema {
  properties: Record<string, Schema>;
  required?: string[];
}

type Rule = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];

/**
 * Describes request bodies by the very rules that they are validated with, so that the description cannot say
 * otherwise. Decorators that only describe would also have to be loaded where nobody reads a description.
 */
export function describeBodies(app: NestFastifyApplication, document: OpenAPIObject): void {
  const schemas = document.components?.schemas ?? {};
  for (const body of bodyClasses(app)) {
    if (Object.hasOwn(schemas, body.name)) schemas[body.name] = schemaOf(body);
  }
}

/** Classes of the parameters of all handlers that have rules. */
function bodyClasses(app: NestFastifyApplication): ReadonlySet<BodyClass> {
  const prototypes = [...app.get(ModulesContainer).values()]
    .flatMap(({ controllers }) => [...controllers.values()])
    .flatMap(({ metatype }) => (metatype?.prototype ? [metatype.prototype as object] : []));
  const types = prototypes.flatMap((prototype) =>
    Object.getOwnPropertyNames(prototype).flatMap((handler) => parametersOf(prototype, handler)),
  );
  return new Set(types.filter((type) => rulesOf(type).length > 0));
}

function parametersOf(prototype: object, handler: string): BodyClass[] {
  return (Reflect.getMetadata('design:paramtypes', prototype, handler) ?? []) as BodyClass[];
}

function rulesOf(type: BodyClass): Rule[] {
  return getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
}

/** Of a body, or of a query: its properties are the parameters. */
export function schemaOf(type: BodyClass): ObjectSchema {
  const properties: Record<string, Schema> = {};
  const optional = new Set<string>();
  for (const rule of rulesOf(type)) {
    const property = (properties[rule.propertyName] ??= {});
    // The second: whatever comes, or nothing, is let through.
    if (rule.type === 'conditionalValidation' || rule.type === 'whitelistValidation')
      optional.add(rule.propertyName);
    else if (rule.each) property['items'] = { ...(property['items'] as Schema), ...partOf(rule) };
    else Object.assign(property, partOf(rule));
  }
  const required = Object.keys(properties).filter((name) => !optional.has(name));
  return {
    type: 'object',
    additionalProperties: false,
    properties,
    ...(required.length > 0 ? { required } : {}),
  };
}

/** What a rule of class-validator is in a schema; nothing for one that schemas cannot say. */
function partOf({ name, constraints }: Rule): Schema {
  // Rules without arguments have none, whatever the types of the library say.
  const [first, second] = (constraints as unknown[] | undefined) ?? [];
  return PARTS[name ?? '']?.(first, second) ?? {};
}

const PARTS: Readonly<Record<string, (first: unknown, second: unknown) => Schema>> = {
  isString: () => ({ type: 'string' }),
  isInt: () => ({ type: 'integer' }),
  isNumber: () => ({ type: 'number' }),
  isBoolean: () => ({ type: 'boolean' }),
  isArray: () => ({ type: 'array' }),
  isLength: (minLength, maxLength) => ({ minLength, maxLength }),
  maxLength: (maxLength) => ({ maxLength }),
  min: (minimum) => ({ minimum }),
  max: (maximum) => ({ maximum }),
  isUuid: () => ({ type: 'string', format: 'uuid' }),
  // Not the format date-time, which is narrower: a day is enough.
  isIso8601: () => ({ type: 'string', description: 'ISO 8601' }),
  isEmail: () => ({ type: 'string', format: 'email' }),
  matches: (pattern) => ({
    type: 'string',
    ...(pattern instanceof RegExp ? { pattern: pattern.source } : {}),
  }),
  isIn: (values) => ({ enum: values }),
  equals: (value) => ({ enum: [value] }),
  arrayMinSize: (minItems) => ({ minItems }),
  arrayUnique: () => ({ uniqueItems: true }),
  arrayMaxSize: (maxItems) => ({ maxItems }),
};
