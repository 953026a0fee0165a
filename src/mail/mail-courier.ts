import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { DueWorker, FeatureDatabase, InjectDatabase } from '../database/index.js';
import type { Clock } from '../kernel/time.js';
import { PermanentFailure } from '../queue/index.js';
import { CLOCK, Metrics } from '../telemetry/index.js';
import { MailDelivery, type WaitingMail } from './mail-delivery.js';
import { mailOutbox } from './mail.tables.js';
import { MailFailure } from './transport/mail-transport.js';

const POLL_MS = 1000;
/** For SQL, when a mail has left. */
const SQL_MS = 5000;
/** From then on nobody waits for the mail any more, and most of its links have ended. */
const GIVE_UP_AFTER_MS = 24 * 3_600_000;
/** With pauses of up to 15 minutes the age comes first. */
const MOST_ATTEMPTS = 200;

/** Takes mails out of the outbox and hands them over, whatever becomes of the requests that left them there. */
@Injectable()
export class MailCourier implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly worker: DueWorker<typeof mailOutbox>;

  constructor(
    private readonly delivery: MailDelivery,
    @InjectDatabase('mail') database: FeatureDatabase,
    @Inject(CLOCK) clock: Clock,
    private readonly metrics: Metrics,
  ) {
    // A server that is given up too soon delivers all the same, and the mail is sent again.
    const performMs = delivery.longestMs;
    this.worker = new DueWorker({
      name: 'mail',
      database,
      table: mailOutbox,
      perform: (mail, signal) => this.handOver(mail, signal),
      reasonOf: (error) => (error instanceof MailFailure ? error.reason : 'other'),
      // Nobody needs the address and the link any more.
      whenDone: { sealed: '' },
      // More would wait for a connection in their time.
      atOnce: delivery.mostAtOnce,
      performMs,
      leaseMs: performMs + SQL_MS,
      pollMs: POLL_MS,
      maxAgeMs: GIVE_UP_AFTER_MS,
      maxAttempts: MOST_ATTEMPTS,
      clock,
      metrics,
    });
  }

  onApplicationBootstrap(): void {
    this.worker.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.worker.stop();
    this.delivery.close();
  }

  /** A mail may have been added. */
  nudge(): void {
    this.worker.nudge();
  }

  private async handOver(mail: WaitingMail, signal: AbortSignal): Promise<void> {
    const { template } = mail;
    try {
      await this.delivery.send(mail, signal);
      this.metrics.mails.inc({ template, outcome: 'sent' });
    } catch (error) {
      const forGood = error instanceof MailFailure && error.permanent;
      this.metrics.mails.inc({ template, outcome: forGood ? 'rejected' : 'deferred' });
      throw forGood ? new PermanentFailure(error.reason) : error;
    }
  }
}
