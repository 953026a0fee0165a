import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { AppError } from '../kernel/errors.js';

/** Problem details (RFC 9457) and how they are sent. */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  /** A fault of ours: the caller is told nothing about it, so it has to be logged. */
  readonly unexpected: boolean;
}

/** Where it happened. */
export interface Occurrence {
  readonly requestId: string;
  /** Path of the request; a query may hold secrets and is cut off. */
  readonly url: string;
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Said for errors that the framework raises: its own messages quote parts of the request. */
const DETAILS: Readonly<Record<number, string>> = {
  400: 'The request could not be understood.',
  404: 'There is nothing at this address.',
  405: 'This address does not know this method.',
  408: 'The request did not arrive in time.',
  413: 'The body is larger than this address accepts.',
  414: 'A part of the address is too long.',
  415: 'Send the body as application/json.',
  431: 'The request line and headers are larger than the server accepts.',
};

interface Facts {
  readonly status: number;
  readonly slug?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly retryAfterMs?: number | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** The problem that stands for anything thrown while a request was served. */
export function problemOf(thrown: unknown, where: Occurrence): Problem {
  return compose(factsOf(thrown), where);
}

/** The status of that problem. */
export function statusOf(thrown: unknown): number {
  return factsOf(thrown).status;
}

/** A problem that the framework reports by status alone. */
export function problemOfStatus(status: number, where: Occurrence): Problem {
  return compose({ status, ...detailOf(status) }, where);
}

function factsOf(thrown: unknown): Facts {
  if (thrown instanceof AppError) return thrown.status === 500 ? { status: 500 } : appErrorFacts(thrown);
  if (thrown instanceof HttpException) return httpExceptionFacts(thrown);
  const status = frameworkStatus(thrown);
  return { status, ...detailOf(status) };
}

export function appErrorFacts(error: AppError): Facts {
  const { status, slug, title, message: detail, retryAfterMs, headers, extensions } = error;
  return { status, slug, title, detail, retryAfterMs, headers, extensions };
}

function httpExceptionFacts(exception: HttpException): Facts {
  const status = exception.getStatus();
  if (status >= 500) return { status };
  const framework = isFastifyError(exception.cause) || /^Cannot [A-Z]+ /.test(exception.message);
  return { status, ...(framework ? detailOf(status) : { detail: exception.message }) };
}

/** Only Fastify's own errors choose a status: an error of some HTTP client carries somebody else's. */
function frameworkStatus(thrown: unknown): number {
  const status: unknown = isFastifyError(thrown) ? Reflect.get(thrown, 'statusCode') : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500;
}

function isFastifyError(thrown: unknown): thrown is Error {
  return thrown instanceof Error && String(Reflect.get(thrown, 'code')).startsWith('FST_');
}

function detailOf(status: number): { detail?: string } {
  const detail = DETAILS[status];
  return detail === undefined ? {} : { detail };
}

function compose(facts: Facts, where: Occurrence): Problem {
  const { status } = facts;
  const retryAfter = retryAfterSeconds(facts);
  return {
    status,
    unexpected: status === 500,
    headers: {
      'cache-control': 'no-store',
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      ...facts.headers,
    },
    body: {
      ...membersOf(facts),
      instance: pathOf(where.url),
      request_id: where.requestId,
      ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
    },
  };
}

/** What is the same for every occurrence, in the order of the document. */
export function membersOf({ status, slug, title, detail, extensions }: Facts): Record<string, unknown> {
  const name = STATUS_CODES[status] ?? 'Error';
  const last = slug ?? (status === 500 ? 'internal-error' : name.toLowerCase().replace(/[^a-z]+/g, '-'));
  return {
    ...extensions,
    type: `/problems/${last}`,
    title: title ?? name,
    status,
    ...(detail === undefined ? {} : { detail }),
  };
}

/** Without the query, which may hold secrets. */
export function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

/** Never 0, which clients read as "at once". */
export function wholeSeconds(retryAfterMs: number): number {
  return Math.max(1, Math.ceil(retryAfterMs / 1000));
}

/** 429 and 503 always say when. */
function retryAfterSeconds({ status, retryAfterMs }: Facts): number | undefined {
  if (retryAfterMs !== undefined) return wholeSeconds(retryAfterMs);
  return status === 429 || status === 503 ? 1 : undefined;
}
