import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { extname } from 'node:path';
import { Injectable } from '@nestjs/common';

export interface PageFile {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
}

const FOLDER = new URL('./page/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** What the page is made of, read once: there are no others, whatever a path says. */
@Injectable()
export class PageFiles {
  private readonly files: ReadonlyMap<string, PageFile> = new Map(
    readdirSync(FOLDER).map((name) => [name, fileOf(name)]),
  );

  get(name: string): PageFile | undefined {
    return this.files.get(name);
  }
}

function fileOf(name: string): PageFile {
  const type = TYPES[extname(name)];
  if (!type) throw new Error(`src/console/page holds ${name}, which has no media type here`);
  const body = readFileSync(new URL(name, FOLDER));
  return { body, type, etag: `"${createHash('sha256').update(body).digest('base64url')}"` };
}
