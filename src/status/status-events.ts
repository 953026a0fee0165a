import { Injectable, Logger } from '@nestjs/common';

export type StatusEventName =
  | 'status-subscribe'
  | 'status-confirm'
  | 'status-challenge'
  | 'status-unsubscribe'
  | 'status-delete'
  | 'status-incident';

/** One line for what happened to a subscription: ids and fixed words, no target and no token. */
@Injectable()
export class StatusEvents {
  private readonly logger = new Logger('Status');

  note(event: StatusEventName, facts: Readonly<Record<string, string | number | undefined>>): void {
    this.logger.log('Status event', { event, result: 'ok', ...facts });
  }
}
