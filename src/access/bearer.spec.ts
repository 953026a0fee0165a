import { describe, expect, it } from 'vitest';
import { InvalidTokenError } from './access.errors.js';
import { bearerToken } from './bearer.js';

type Parts = Parameters<typeof bearerToken>[0];
/** What a request has when its lines are these. */
const request = (...authorization: string[]): Parts =>
  ({
    headers: authorization.length === 0 ? {} : { authorization: authorization[0] },
    raw: { rawHeaders: authorization.flatMap((value) => ['Authorization', value]) },
  }) as unknown as Parts;
const reasonOf = (parts: Parts): string => {
  try {
    return `token ${bearerToken(parts)}`;
  } catch (error) {
    return error instanceof InvalidTokenError ? error.reason : String(error);
  }
};

describe('The bearer token of a request', () => {
  it.each(['Bearer a.b.c', 'bearer a.b.c', 'BEARER   a.b.c  '])('is read from %j', (header) => {
    expect(reasonOf(request(header))).toBe('token a.b.c');
  });

  it('is missing without the header', () => expect(reasonOf(request())).toBe('missing'));

  it.each([
    '',
    'Bearer',
    'Bearer ',
    'Bearera.b.c',
    'Basic a.b.c',
    'Bearer a.b',
    'Bearer a.b.c.d',
    'Bearer a..c',
    'Bearer a.b.c, Bearer a.b.c',
    'Bearer a.b.c x',
    'Bearer a.b.ü',
    'Bearer a.b.c\u0000',
    `Bearer ${'a'.repeat(7000)}.b.c`,
  ])('is malformed in %.60j', (header) => expect(reasonOf(request(header))).toBe('malformed'));

  it('is refused where the header comes twice, whichever Node keeps', () => {
    expect(reasonOf(request('Bearer a.b.c', 'Bearer d.e.f'))).toBe('malformed');
    expect(reasonOf(request('Bearer a.b.c', 'Bearer a.b.c'))).toBe('malformed');
  });
});
