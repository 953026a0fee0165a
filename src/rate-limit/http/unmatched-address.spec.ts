import { expect, it } from 'vitest';
import { isBelowApi } from './unmatched-address.js';

it.each([
  '/v1/x',
  '/v1//x',
  '//v1/x',
  '///v1///x',
  '/v1%2Fx',
  '/v1%2fx',
  '/%2Fv1/x',
  '/%76%31/x',
  '/v1/%zz',
  '/%761/%zz',
  'http://host/v1/x',
  'HTTPS://host:1/v1/x?y',
  'http://host//v1/x',
])('%s is below the prefix', (url) => expect(isBelowApi(url)).toBe(true));

it.each([
  '',
  '*',
  '/',
  '/v1',
  '/v1x/',
  '/x/v1/',
  '/x?/v1/',
  '/?http://host/v1/x',
  'http://host',
  'http://host/x/v1/',
  'http:///x',
  '/%zz',
])('%s is not', (url) => expect(isBelowApi(url)).toBe(false));
