import type { OpenAPIObject } from '@nestjs/swagger';

/** Problems that an operation may answer with, by what its decorators say; each is a component of the document. */
const PROBLEMS = {
  400: 'The request could not be understood.',
  401: 'There is no valid token, or it is of another kind.',
  403: 'The token is valid and does not allow this.',
  404: 'There is nothing with this id, or it is somebody else’s.',
  413: 'The body is larger than this address accepts.',
  415: 'The body is not sent as application/json.',
  422: 'Fields are missing, malformed or unknown; `errors` says which and what is allowed.',
  429: 'A rate limit is exceeded; `Retry-After` says when to come again.',
  503: 'A compartment that this needs is away; `Retry-After` says when to come again.',
} as const;

export type ProblemStatus = keyof typeof PROBLEMS;

const PROBLEM_SCHEMA = {
  type: 'object',
  description: 'Problem details (RFC 9457).',
  properties: {
    type: { type: 'string', example: '/problems/validation-failed' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string', description: 'Path of the request.' },
    request_id: { type: 'string' },
    retry_after: { type: 'integer', description: 'Seconds, with 429 and 503.' },
    errors: {
      type: 'array',
      description: 'With 422.',
      items: {
        type: 'object',
        properties: {
          field: { type: 'string' },
          rules: { type: 'array', items: { type: 'string' } },
          message: { type: 'string' },
        },
        required: ['field', 'rules', 'message'],
      },
    },
  },
  required: ['type', 'title', 'status', 'instance', 'request_id'],
};

export function addProblems(document: OpenAPIObject): void {
  const components = (document.components ??= {});
  components.schemas = { ...components.schemas, Problem: PROBLEM_SCHEMA };
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  const waits = { 'Retry-After': { schema: { type: 'integer' as const }, description: 'Seconds.' } };
  components.responses = Object.fromEntries(
    Object.entries(PROBLEMS).map(([status, description]) => [
      `Problem${status}`,
      { description, content, ...(status === '429' || status === '503' ? { headers: waits } : {}) },
    ]),
  );
}

export const problemReference = (status: ProblemStatus) => ({
  $ref: `#/components/responses/Problem${status}`,
});
