import { Controller, Get, Module, NotFoundException, Req } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Settings } from './config/index.js';
import { NoStore, isOnThisMachine } from './http/index.js';
import { type KeptMail, KeptMails, MailModule } from './mail/index.js';

/** The mails that would have been sent, where there is nobody to send them to: demo, test and development only. */
@ApiExcludeController()
@Controller('dev/outbox')
export class OutboxController {
  constructor(
    private readonly mails: KeptMails,
    private readonly settings: Settings,
  ) {}

  @Get()
  @NoStore()
  list(@Req() request: FastifyRequest): { readonly mails: readonly KeptMail[] } {
    if (!this.isServed(request)) throw new NotFoundException();
    return { mails: this.mails.list() };
  }

  /** A development server may be offered to a network, and its mails log in whoever reads them. */
  private isServed(request: FastifyRequest): boolean {
    const { profile } = this.settings;
    if (profile === 'development') return isOnThisMachine(request);
    return profile === 'demo' || profile === 'test';
  }
}

@Module({ imports: [MailModule], controllers: [OutboxController] })
export class OutboxModule {}
