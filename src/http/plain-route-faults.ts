import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  HEADERS_METADATA,
  HTTP_CODE_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
} from '@nestjs/common/constants.js';
import { EXIT, StartupError } from '../kernel/errors.js';

/** A method that Fastify calls itself. */
export interface PlainMethod {
  readonly owner: abstract new (...args: never[]) => object;
  readonly name: string | symbol;
  /** Method that is told of what was refused before it: the media type, or the size of the body. */
  readonly refused?: string | undefined;
}

/** A plain route declares what nobody would do; the application does not start. */
export class PlainRouteError extends StartupError {
  readonly exitCode = EXIT.config;

  /** @param faults one line each */
  constructor(readonly faults: readonly string[]) {
    super(faults.join('\n'));
    this.name = new.target.name;
  }

  report(): string {
    return ['Refusing to start: plain routes', ...this.faults.map((fault) => `  ${fault}`)].join('\n');
  }
}

/** What Nest would do before the method or after it, by the metadata that declares it. */
const OF_NEST: Readonly<Record<string, string>> = {
  [GUARDS_METADATA]: 'guards',
  [PIPES_METADATA]: 'pipes',
  [INTERCEPTORS_METADATA]: 'interceptors',
  [EXCEPTION_FILTERS_METADATA]: 'exception filters',
  [HEADERS_METADATA]: 'headers',
};
/** What Fastify sends where the method says no other. */
const STATUS = 200;

/** @throws PlainRouteError where the method or its class declares what would not be done */
export function assertPlain({ owner, name, refused }: PlainMethod): void {
  const method = Reflect.get(owner.prototype as object, name) as object;
  const route = `${owner.name}.${String(name)}`;
  const declared = Object.keys(OF_NEST).filter((key) => [method, owner].some((on) => hasAny(on, key)));
  const status = Reflect.getMetadata(HTTP_CODE_METADATA, method) as number | undefined;
  const faults = declared.map(
    (key) =>
      `${route}: @PlainRoute takes no ${OF_NEST[key]}, and the method or its class declares some; do their work in the ` +
      'method, or remove @PlainRoute',
  );
  if (status !== undefined && status !== STATUS)
    faults.push(
      `${route}: @PlainRoute does not send @HttpCode(${status}); have the method send it, and remove @HttpCode`,
    );
  if (refused !== undefined && typeof Reflect.get(owner.prototype as object, refused) !== 'function')
    faults.push(
      `${route}: @PlainRoute names ${refused}, which is no method of ${owner.name}; give the name of one`,
    );
  if (faults.length > 0) throw new PlainRouteError(faults);
}

function hasAny(on: object, key: string): boolean {
  const some: unknown = Reflect.getMetadata(key, on);
  return Array.isArray(some) && some.length > 0;
}
