import type { OpenAPIObject } from '@nestjs/swagger';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const document = JSON.parse(
  readFileSync(new URL('../docs/openapi.json', import.meta.url), 'utf8'),
) as OpenAPIObject;

const answers = Object.entries(document.paths).flatMap(([path, { get, post, put, patch, delete: remove }]) =>
  [get, post, put, patch, remove].flatMap((operation) =>
    Object.entries(operation?.responses ?? {}).map(([status, answer]) => ({ path, status, answer })),
  ),
);

it('every answer that has a body says what is in it, and 204 has none', () => {
  const good = answers.filter(({ status }) => status.startsWith('2'));
  expect(good.length).toBeGreaterThan(70);
  const wrong = good.filter(
    ({ status, answer }) => Object.hasOwn(answer ?? {}, 'content') !== (status !== '204'),
  );
  expect(wrong.map(({ path }) => path)).toEqual([]);
});
