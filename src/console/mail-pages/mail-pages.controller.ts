import { Controller, Get, NotFoundException, Param, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Settings, isLocal } from '../../config/index.js';
import { PageFiles } from '../page-files.js';

/** Where links in mails lead to; what each page does is in page/mail-page.js. */
const PATHS = [
  'verify-email',
  'reset-password',
  'accept-invitation',
  'login',
  'forgot-password',
  'status/confirm',
  'status/unsubscribe',
];
const FILE_PATH = 'dev/mail-page/:file';

/** Outside `/v1`, as people open them. */
export const MAIL_PAGE_PATHS: readonly string[] = [...PATHS, FILE_PATH];

const FILES = new PageFiles(new URL('./page/', import.meta.url));

/**
 * Stands for the front-end that an operator brings, so that links in mails can be followed in local profiles. Opening a
 * page does nothing; it posts when its button is pressed. No token comes here: it is in the fragment.
 */
@ApiExcludeController()
@Controller()
export class MailPagesController {
  private readonly served: boolean;

  constructor({ profile }: Settings) {
    this.served = isLocal(profile);
  }

  @Get(PATHS)
  page(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.send('index.html', request, reply);
  }

  @Get(FILE_PATH)
  file(@Param('file') name: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.send(name, request, reply);
  }

  private send(name: string, request: FastifyRequest, reply: FastifyReply): void {
    if (!this.served) throw new NotFoundException();
    FILES.send(name, request, reply);
  }
}
