import { Body, Controller, HttpCode, Ip, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ForbiddenError, RequestAuthentication } from '../../access/index.js';
import { NoStore } from '../../http/index.js';
import { OneClick, OneClickRoute } from '../one-click.js';
import { NotOneClickError } from '../status.errors.js';
import { StatusEvents } from '../status-events.js';
import { StatusTokenDto, SubscribeDto } from '../status.dto.js';
import { Confirming } from './confirming.js';
import { SubscribeGate } from './subscribe-gate.js';
import { Subscribing } from './subscribing.js';
import { Unsubscribing } from './unsubscribing.js';

export const MANAGE_STATUS = 'status:manage';

/** Asking for alerts: by anybody, or for the tenant of an access token, which can then list and delete them. */
@Controller('status/subscriptions')
export class SubscribeController {
  constructor(
    private readonly gate: SubscribeGate,
    private readonly subscribing: Subscribing,
    private readonly authentication: RequestAuthentication,
    private readonly events: StatusEvents,
  ) {}

  /** The same answer whether the target has a subscription or not. */
  @Post()
  @HttpCode(202)
  @NoStore()
  async subscribe(
    @Body() { channel, target: text, severity }: SubscribeDto,
    @Ip() address: string,
    @Req() request: FastifyRequest,
  ) {
    const tenantId = await this.tenantOf(request);
    const target = await this.gate.admit(channel, text, address);
    const { id, secret } = await this.subscribing.ask({ target, severity, tenantId });
    this.events.note('status-subscribe', { subscription_id: id, channel, tenant_id: tenantId });
    const detail =
      secret === undefined
        ? 'A mail to the address says how to confirm.'
        : 'The URL is sent a challenge; its token has to be sent back. The secret is shown this once.';
    return { status: 'accepted', detail, ...(secret === undefined ? {} : { secret }) };
  }

  private async tenantOf(request: FastifyRequest): Promise<string | undefined> {
    if (request.headers.authorization === undefined) return undefined;
    const { tenantId, scopes } = await this.authentication.identify(request);
    if (!scopes.includes(MANAGE_STATUS))
      throw new ForbiddenError(`The access token lacks the scope ${MANAGE_STATUS}.`, [MANAGE_STATUS]);
    return tenantId;
  }
}

/** What the owner of a target says. POST only: what merely follows links, as scanners of mails do, changes nothing. */
@Controller('status/subscriptions')
export class ConsentController {
  constructor(
    private readonly confirming: Confirming,
    private readonly unsubscribing: Unsubscribing,
    private readonly events: StatusEvents,
  ) {}

  @Post('verify')
  @HttpCode(200)
  @NoStore()
  async verify(@Body() { token }: StatusTokenDto) {
    const id = await this.confirming.confirm('statusConfirm', token);
    this.events.note('status-confirm', { subscription_id: id });
    return { status: 'confirmed' };
  }

  @Post('challenge')
  @HttpCode(200)
  @NoStore()
  async challenge(@Body() { token }: StatusTokenDto) {
    const id = await this.confirming.confirm('webhookChallenge', token);
    this.events.note('status-challenge', { subscription_id: id });
    return { status: 'confirmed' };
  }

  @Post('unsubscribe')
  @HttpCode(200)
  @NoStore()
  unsubscribe(@Body() { token }: StatusTokenDto) {
    return this.end(token);
  }

  /** What mail programs call (RFC 8058): they know the address only, and send a fixed form. */
  @Post('unsubscribe/:token')
  @HttpCode(200)
  @NoStore()
  @OneClickRoute()
  oneClick(@Param('token') token: string, @Body() body: unknown) {
    if (!(body instanceof OneClick)) throw new NotOneClickError();
    return this.end(token);
  }

  private async end(token: string) {
    const id = await this.unsubscribing.end(token);
    this.events.note('status-unsubscribe', { subscription_id: id });
    return { status: 'unsubscribed' };
  }
}
