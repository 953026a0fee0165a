import fastifyStatic from '@fastify/static';
import { FileTypeValidator } from '@nestjs/common';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { read, root } from './architecture/project-files.js';

type Versions = Record<string, string | Record<string, string>>;

type Field = 'dependencies' | 'devDependencies' | 'overrides';

const packagesOf = (file: string, field: Field): Versions =>
  (JSON.parse(read(file)) as Record<Field, Versions>)[field];

/** The table rows below one heading of docs/dependencies.md: package name and reason. */
function rows(heading: string): { name: string; reason: string }[] {
  const section =
    read('docs/dependencies.md')
      .split(/^## /m)
      .find((part) => part.startsWith(heading)) ?? '';
  const cells = section.matchAll(/^\| `(?<name>[^`]+)`\s*\|(?<reason>[^|]*)\|$/gm);
  return [...cells].map(({ groups }) => ({ name: groups?.['name'] ?? '', reason: groups?.['reason'] ?? '' }));
}

const sections = [
  { heading: 'Runtime', file: 'package.json', field: 'dependencies' },
  { heading: 'Development', file: 'package.json', field: 'devDependencies' },
  { heading: 'Overrides', file: 'package.json', field: 'overrides' },
  { heading: 'Benchmarks', file: 'bench/package.json', field: 'dependencies' },
] as const;

describe.each(sections)('$field in $file', ({ heading, file, field }) => {
  const documented = rows(heading);
  const packages = packagesOf(file, field);

  it('have one row each in docs/dependencies.md, and no row is stale', () => {
    const names = documented.map(({ name }) => name).sort();
    expect(names.length).toBeGreaterThan(0);
    expect(names).toEqual(Object.keys(packages).sort());
  });

  it('have a reason each', () => {
    expect(documented.filter(({ reason }) => reason.trim().length < 20)).toEqual([]);
  });

  it('have exact versions', () => {
    const versions = Object.entries(packages).flatMap(([name, version]) =>
      typeof version === 'string' ? [[name, version]] : Object.entries(version),
    );
    const exact = /^(?:\d+\.\d+\.\d+(?:-[\w.]+)?|\$[\w@/-]+)$/;
    expect(versions.filter(([, version = '']) => !exact.test(version))).toEqual([]);
  });
});

describe('an overridden package still does what its user calls', () => {
  it('content-disposition, for downloads by @fastify/static', async () => {
    const server = fastify().register(fastifyStatic, { root });
    server.get('/file', (_request, reply) => reply.download('package.json', 'naïve.json'));
    const answer = await server.inject('/file');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-disposition']).toContain("filename*=UTF-8''na%C3%AFve.json");
  });

  it('cookie, for requests injected by light-my-request', async () => {
    const server = fastify();
    server.get('/echo', (request, reply) =>
      reply.header('set-cookie', 'a=b; Path=/').send(request.headers.cookie),
    );
    const answer = await server.inject({ url: '/echo', cookies: { c: 'd' } });
    expect(answer.body).toBe('c=d');
    expect(answer.cookies).toEqual([expect.objectContaining({ name: 'a', value: 'b', path: '/' })]);
  });

  it('file-type, for the file validator of Nest', async () => {
    const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
    const isPng = async (buffer: Buffer) =>
      new FileTypeValidator({ fileType: 'image/png' }).isValid({ buffer, mimetype: 'image/png', size: 16 });
    expect(await isPng(png)).toBe(true);
    expect(await isPng(Buffer.from('plain text, sixteen'))).toBe(false);
  });
});
