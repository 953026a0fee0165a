import { Controller, Get, NotFoundException, Param, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { KNOWN_TYPES } from '../billing/webhook/event-types.js';
import { Settings } from '../config/index.js';
import { NoStore } from '../http/index.js';
import { ConsoleSettings, servesConsole } from './console.config.js';
import { SignInHint } from './sign-in-hint.js';
import { PageFiles } from './page-files.js';

/** Nothing from elsewhere, nothing inline, in nobody's frame. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};

/** A page to look at. It holds no figures: it asks the endpoints for operators, as any other client does. */
@ApiExcludeController()
@Controller('console')
export class ConsoleController {
  private readonly served: boolean;

  constructor(
    private readonly files: PageFiles,
    private readonly hint: SignInHint,
    own: ConsoleSettings,
    settings: Settings,
  ) {
    this.served = servesConsole(own, settings);
  }

  @Get()
  page(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.send('index.html', request, reply);
  }

  @Get('settings.json')
  @NoStore()
  settings() {
    if (!this.served) throw new NotFoundException();
    const { credentials } = this.hint;
    // A browser hands out named events to those who listen for their names only.
    return { event_types: [...KNOWN_TYPES], ...(credentials ? { sign_in: credentials } : {}) };
  }

  @Get(':file')
  file(@Param('file') name: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.send(name, request, reply);
  }

  private send(name: string, request: FastifyRequest, reply: FastifyReply): void {
    const file = this.served ? this.files.get(name) : undefined;
    if (!file) throw new NotFoundException();
    const { body, type, etag } = file;
    reply.headers({ ...HEADERS, etag });
    if (request.headers['if-none-match'] === etag) reply.code(304).send();
    else reply.type(type).send(body);
  }
}
