import {
  Body,
  Controller,
  Get,
  HttpCode,
  Post,
  Query,
  Req,
  Res,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Authenticated } from '../../access/index.js';
import { NoStore } from '../../http/index.js';
import { StreamQuota } from '../../rate-limit/index.js';
import { SoftRejectFilter } from './soft-reject.filter.js';
import { StreamAccess } from './stream-access.js';
import { StreamCookie } from './stream-cookie.js';
import { StreamQueryDto, StreamSessionDto } from './stream.dto.js';
import { StreamGuard } from './stream.guard.js';
import { StreamOpener } from './stream-opener.js';
import { startOf } from './stream-request.js';
import { StreamTickets } from './stream-tickets.js';
import { TypeFilter } from './type-filter.js';

/** What the tenant of whoever asks is billed, as it happens. */
@Controller('billing/stream')
export class StreamController {
  constructor(
    private readonly access: StreamAccess,
    private readonly opener: StreamOpener,
  ) {}

  /** Decorators run from the last: who it is, then how many streams that one has. */
  @Get()
  @UseFilters(SoftRejectFilter)
  @StreamQuota('billing')
  @UseGuards(StreamGuard)
  async stream(
    @Query() { last_event_id, types, hb }: StreamQueryDto,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const startAt = startOf(request, last_event_id);
    if (request.method === 'HEAD') {
      void reply.header('cache-control', 'no-store').type('text/event-stream; charset=utf-8').send();
      return;
    }
    await this.opener.open(request, reply, {
      identity: this.access.of(request),
      startAt,
      filter: TypeFilter.parse(types),
      audible: hb === 'event',
    });
  }
}

/** How a browser, whose EventSource cannot send an access token, gets into a stream. */
@Controller('billing/stream')
export class StreamTicketController {
  constructor(
    private readonly access: StreamAccess,
    private readonly tickets: StreamTickets,
    private readonly cookie: StreamCookie,
  ) {}

  @Post('ticket')
  @NoStore()
  @Authenticated()
  async issue(@Req() request: FastifyRequest) {
    const { ticket, expiresInSeconds } = await this.tickets.issue(await this.access.byToken(request));
    return { ticket, expires_in: expiresInSeconds };
  }

  @Post('session')
  @HttpCode(204)
  @NoStore()
  async redeem(
    @Body() { ticket }: StreamSessionDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    this.cookie.assertOrigin(request);
    this.cookie.write(reply, this.cookie.renewed(await this.tickets.redeem(ticket)));
  }
}
