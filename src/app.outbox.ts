import { Controller, Get, Module, NotFoundException } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Settings } from './config/index.js';
import { NoStore } from './http/index.js';
import { type KeptMail, KeptMails, MailModule } from './mail/index.js';

/** The mails that would have been sent, where there is nobody to send them to: demo and test only. */
@ApiExcludeController()
@Controller('dev/outbox')
export class OutboxController {
  constructor(
    private readonly mails: KeptMails,
    private readonly settings: Settings,
  ) {}

  @Get()
  @NoStore()
  list(): { readonly mails: readonly KeptMail[] } {
    const { profile } = this.settings;
    if (profile !== 'demo' && profile !== 'test') throw new NotFoundException();
    return { mails: this.mails.list() };
  }
}

@Module({ imports: [MailModule], controllers: [OutboxController] })
export class OutboxModule {}
