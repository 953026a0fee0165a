import { Controller, Get, NotFoundException, Param, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Settings } from '../config/index.js';
import { NoStore } from '../http/index.js';
import { ConsoleSettings, servesConsole } from './console.config.js';
import { SignInHint } from './sign-in-hint.js';
import { PageFiles } from './page-files.js';

const FILES = new PageFiles(new URL('./page/', import.meta.url));

/** A page to look at. It holds no figures: it asks the endpoints for operators, as any other client does. */
@ApiExcludeController()
@Controller('console')
export class ConsoleController {
  private readonly served: boolean;

  constructor(
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
    return credentials ? { sign_in: credentials } : {};
  }

  @Get(':file')
  file(@Param('file') name: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.send(name, request, reply);
  }

  private send(name: string, request: FastifyRequest, reply: FastifyReply): void {
    if (!this.served) throw new NotFoundException();
    FILES.send(name, request, reply);
  }
}
