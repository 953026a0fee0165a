// @ts-check
import { join } from 'node:path';
import ts from 'typescript';
import { root } from './build-if-needed.mjs';

/** @typedef {Record<string, unknown>} Schema JSON Schema 2020-12, as OpenAPI 3.1 and, in what is used here, 3.0 take it */

const HTTP_METHODS = new Set(['Get', 'Post', 'Put', 'Patch', 'Delete']);
/** Deeper than any answer: a type that contains itself would have no end. */
const MAX_DEPTH = 12;

/**
 * What each handler of a controller answers, by `<Controller>_<method>`, read from its return type as the compiler
 * knows it; handlers that write the answer themselves return nothing and are left out.
 *
 * @throws Error for a type that has no form in JSON
 * @returns {Readonly<Record<string, Schema>>}
 */
export function answerSchemas() {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(root, 'tsconfig.build.json'),
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
      },
    },
  );
  if (!config) throw new Error('tsconfig.build.json could not be read');
  const program = ts.createProgram(config.fileNames, config.options);
  const checker = program.getTypeChecker();
  const handlers = program
    .getSourceFiles()
    .filter(({ fileName }) => fileName.endsWith('.controller.ts'))
    .flatMap(({ statements }) => statements.filter(ts.isClassDeclaration))
    .flatMap(handlersOf);
  return Object.fromEntries(
    handlers.flatMap(({ id, method }) => {
      const signature = checker.getSignatureFromDeclaration(method);
      const returned = signature && checker.getReturnTypeOfSignature(signature);
      const type = returned && (checker.getAwaitedType(returned) ?? returned);
      if (!type || type.flags & (ts.TypeFlags.Void | ts.TypeFlags.Undefined)) return [];
      return [[id, new Schemas(checker, method, id).of(type)]];
    }),
  );
}

/** @param {ts.ClassDeclaration} controller */
function handlersOf(controller) {
  if (decoratorsOf(controller).includes('ApiExcludeController')) return [];
  const name = controller.name?.text ?? '';
  return controller.members.filter(ts.isMethodDeclaration).flatMap((method) => {
    if (!decoratorsOf(method).some((decorator) => HTTP_METHODS.has(decorator))) return [];
    return [{ id: `${name}_${method.name.getText()}`, method }];
  });
}

/**
 * @param {ts.HasDecorators} decorated
 * @returns {string[]} names
 */
function decoratorsOf(decorated) {
  return (ts.getDecorators(decorated) ?? []).map(({ expression }) =>
    ts.isCallExpression(expression) ? expression.expression.getText() : '',
  );
}

/** Schemas of the types of one handler: of what `JSON.stringify` makes of their values. */
class Schemas {
  /**
   * @param {ts.TypeChecker} checker
   * @param {ts.Node} place where the types are seen from
   * @param {string} id what errors name
   */
  constructor(checker, place, id) {
    this.checker = checker;
    this.place = place;
    this.id = id;
  }

  /**
   * @param {ts.Type} type
   * @returns {Schema}
   */
  of(type, depth = 0) {
    const { flags } = type;
    if (depth > MAX_DEPTH) throw this.#without(type);
    if (type.isUnion()) return this.#union(type, depth);
    if (type.isStringLiteral() || type.isNumberLiteral())
      return { type: typeof type.value, enum: [type.value] };
    if (flags & ts.TypeFlags.BooleanLiteral)
      return { type: 'boolean', enum: [this.checker.typeToString(type) === 'true'] };
    if (flags & ts.TypeFlags.StringLike) return { type: 'string' };
    if (flags & ts.TypeFlags.NumberLike) return { type: 'number' };
    if (flags & ts.TypeFlags.BooleanLike) return { type: 'boolean' };
    if (flags & ts.TypeFlags.Null) return { nullable: true, enum: [null] };
    // Whatever JSON has.
    if (flags & ts.TypeFlags.Unknown) return {};
    if (flags & ts.TypeFlags.NonPrimitive) return { type: 'object' };
    if (flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) return this.#object(type, depth);
    throw this.#without(type);
  }

  /**
   * @param {ts.UnionType} union
   * @param {number} depth
   * @returns {Schema}
   */
  #union(union, depth) {
    const parts = union.types.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
    const present = parts.filter(({ flags }) => !(flags & ts.TypeFlags.Null));
    const orNull = present.length < parts.length;
    const nullable = orNull ? { nullable: true } : {};
    if (present.length > 0 && present.every((part) => part.isStringLiteral())) {
      const values = present.map(({ value }) => value).sort();
      return { type: 'string', enum: orNull ? [...values, null] : values, ...nullable };
    }
    // The compiler's `boolean` is `true | false`.
    if (present.length === 2 && present.every(({ flags }) => flags & ts.TypeFlags.BooleanLiteral))
      return { type: 'boolean', ...nullable };
    const schemas = distinct(present.map((part) => this.of(part, depth + 1)));
    const [only] = schemas;
    return only && schemas.length === 1 ? { ...only, ...nullable } : { anyOf: schemas, ...nullable };
  }

  /**
   * @param {ts.Type} type
   * @param {number} depth
   * @returns {Schema}
   */
  #object(type, depth) {
    const { checker } = this;
    if (checker.isArrayType(type) || checker.isTupleType(type)) {
      const items = checker.getTypeArguments(/** @type {ts.TypeReference} */ (type));
      const schemas = distinct(items.map((item) => this.of(item, depth + 1)));
      return { type: 'array', items: schemas.length === 1 ? schemas[0] : { anyOf: schemas } };
    }
    if (type.getSymbol()?.name === 'Date') return { type: 'string', format: 'date-time' };
    if (type.getCallSignatures().length > 0) throw this.#without(type);
    const values = checker.getIndexInfoOfType(type, ts.IndexKind.String)?.type;
    const properties = checker.getPropertiesOfType(type);
    // `{}`: anything but null.
    if (!values && properties.length === 0) return {};
    const described = properties.flatMap((property) => this.#property(property, depth));
    const required = described.filter((one) => one.required).map(({ name }) => name);
    return {
      type: 'object',
      ...(described.length > 0
        ? { properties: Object.fromEntries(described.map(({ name, schema }) => [name, schema])) }
        : {}),
      ...(required.length > 0 ? { required } : {}),
      ...(values ? { additionalProperties: this.of(values, depth + 1) } : {}),
    };
  }

  /**
   * @param {ts.Symbol} property
   * @param {number} depth
   */
  #property(property, depth) {
    const type = this.checker.getTypeOfSymbolAtLocation(property, this.place);
    const parts = type.isUnion() ? type.types : [type];
    const given = parts.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
    // `name?: never`: this member of the union has no such property.
    if (given.every(({ flags }) => flags & ts.TypeFlags.Never)) return [];
    const optional = Boolean(property.flags & ts.SymbolFlags.Optional) || given.length < parts.length;
    const comment = ts.displayPartsToString(property.getDocumentationComment(this.checker));
    const schema = this.of(type, depth + 1);
    return [
      {
        name: property.name,
        required: !optional,
        schema: comment ? { ...schema, description: comment } : schema,
      },
    ];
  }

  /** @param {ts.Type} type */
  #without(type) {
    return new Error(`${this.id} answers with ${this.checker.typeToString(type)}, which has no form in JSON`);
  }
}

/**
 * In an order of their own: that of the compiler depends on what it has seen before.
 *
 * @param {Schema[]} schemas
 * @returns {Schema[]}
 */
function distinct(schemas) {
  const byText = new Map(schemas.map((schema) => [JSON.stringify(schema), schema]));
  return [...byText.keys()].sort().map((text) => /** @type {Schema} */ (byText.get(text)));
}
