import { readFileSync } from 'node:fs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Ajv, type ValidateFunction } from 'ajv';

type Schema = Readonly<Record<string, unknown>>;
type Content = Readonly<Record<string, { readonly schema: Schema }>>;
type Paths = Readonly<
  Record<string, Readonly<Record<string, { readonly responses: Record<string, { content?: Content }> }>>>
>;

const DOCUMENT = new URL('../../docs/openapi.json', import.meta.url);

/** Holds every good answer of an application against docs/openapi.json, whatever a test asks it for. */
export class DescribedAnswers {
  private readonly paths = (JSON.parse(readFileSync(DOCUMENT, 'utf8')) as { paths: Paths }).paths;
  private readonly validators = new Map<string, ValidateFunction>();
  private readonly ajv = new Ajv({ allErrors: true });
  private readonly complaints = new Set<string>();

  /** @param app not listening yet: hooks hold for routes that come after them */
  watch(app: NestFastifyApplication): void {
    const fastify = app.getHttpAdapter().getInstance();
    fastify.addHook('onSend', (request, reply, payload, done) => {
      const path = (request.routeOptions.url ?? '').replaceAll(/:(\w+)/g, '{$1}');
      const status = String(reply.statusCode);
      const type = String(reply.getHeader('content-type') ?? '').split(';', 1)[0] ?? '';
      this.judge({ method: request.method.toLowerCase(), path, status, type, payload });
      done();
    });
  }

  /** @throws Error that says which answers were not as they are described */
  settle(): void {
    if (this.complaints.size > 0) throw new Error([...this.complaints].join('\n'));
  }

  private judge({ method, path, status, type, payload }: Answer): void {
    const operation = this.paths[path]?.[method];
    // Addresses of tests, of pages, and those that do not exist.
    if (!operation || !status.startsWith('2')) return;
    const name = `${method.toUpperCase()} ${path}`;
    const described = operation.responses[status];
    if (!described) {
      this.complaints.add(`${name} answers ${status}, which is not described`);
      return;
    }
    const schema = described.content?.[type]?.schema;
    if (!schema) {
      if (payload || described.content)
        this.complaints.add(`${name} answers with "${type}", not as described`);
      return;
    }
    if (!type.endsWith('json') || typeof payload !== 'string') return;
    const validate = this.validators.get(name) ?? this.ajv.compile(closed(schema) as Schema);
    this.validators.set(name, validate);
    if (!validate(JSON.parse(payload)))
      this.complaints.add(`${name} answers ${payload}: ${this.ajv.errorsText(validate.errors)}`);
  }
}

interface Answer {
  readonly method: string;
  readonly path: string;
  readonly status: string;
  readonly type: string;
  readonly payload: unknown;
}

/** JSON Schema of one of OpenAPI 3.0, in which nothing may be that is not described. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { nullable, ...rest } = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [
      name,
      name === 'enum' ? (value as unknown) : closed(value),
    ]),
  );
  const isClosed = typeof rest.properties === 'object' && rest.additionalProperties === undefined;
  const own = isClosed ? { ...rest, additionalProperties: false } : rest;
  return nullable ? { anyOf: [own, { type: 'null' }] } : own;
}
