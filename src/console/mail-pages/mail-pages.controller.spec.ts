import { NotFoundException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { expect, it } from 'vitest';
import type { Settings } from '../../config/index.js';
import { MailPagesController } from './mail-pages.controller.js';

it.each(['staging', 'production'])('is not there in %s', (profile) => {
  const controller = new MailPagesController({ profile } as Settings);
  const request = { headers: {} } as FastifyRequest;
  expect(() => controller.page(request, {} as FastifyReply)).toThrow(NotFoundException);
  expect(() => controller.file('mail-page.js', request, {} as FastifyReply)).toThrow(NotFoundException);
});
