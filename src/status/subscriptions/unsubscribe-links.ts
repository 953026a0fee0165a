import { Injectable } from '@nestjs/common';
import { PublicUrlSettings } from '../../config/index.js';
import { UnsubscribeTokens } from '../../security-tokens/index.js';

const ONE_CLICK_PATH = '/v1/status/subscriptions/unsubscribe/';
const UUID_HEX = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/;

export interface UnsubscribeLink {
  readonly token: string;
  /** What a mail program calls (RFC 8058). */
  readonly oneClickUrl: string;
}

/** Links that end a subscription: one text for each, whenever it is asked for. */
@Injectable()
export class UnsubscribeLinks {
  constructor(
    private readonly tokens: UnsubscribeTokens,
    private readonly place: PublicUrlSettings,
  ) {}

  linkOf({ id, linkEpoch }: { readonly id: string; readonly linkEpoch: number }): UnsubscribeLink {
    // Short: a router takes parts of a path up to 100 characters.
    const short = Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
    const token = this.tokens.token(short, linkEpoch);
    return { token, oneClickUrl: new URL(ONE_CLICK_PATH + token, this.place.publicUrl).href };
  }

  /** @returns undefined for whatever was not made here */
  read(token: unknown): { readonly id: string; readonly epoch: number } | undefined {
    const order = this.tokens.read(token);
    if (!order) return undefined;
    const hex = Buffer.from(order.subscriptionId, 'base64url').toString('hex');
    if (hex.length !== 32) return undefined;
    return { id: hex.replace(UUID_HEX, '$1-$2-$3-$4-$5'), epoch: order.epoch };
  }
}
