import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { extname } from 'node:path';
import { NotFoundException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';

interface PageFile {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** Nothing from elsewhere, nothing inline, in nobody's frame. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};

/** What a page is made of, read once: there are no others, whatever a path says. */
export class PageFiles {
  private readonly files: ReadonlyMap<string, PageFile>;

  /** @param folder ends with a slash */
  constructor(folder: URL) {
    this.files = new Map(readdirSync(folder).map((name) => [name, fileOf(name, folder)]));
  }

  /** @throws NotFoundException */
  send(name: string, request: FastifyRequest, reply: FastifyReply): void {
    const file = this.files.get(name);
    if (!file) throw new NotFoundException();
    const { body, type, etag } = file;
    reply.headers({ ...HEADERS, etag });
    if (request.headers['if-none-match'] === etag) reply.code(304).send();
    else reply.type(type).send(body);
  }
}

function fileOf(name: string, folder: URL): PageFile {
  const type = TYPES[extname(name)];
  if (!type) throw new Error(`${folder.pathname} holds ${name}, which has no media type here`);
  const body = readFileSync(new URL(name, folder));
  return { body, type, etag: `"${createHash('sha256').update(body).digest('base64url')}"` };
}
