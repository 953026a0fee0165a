import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { Subject, type Observable } from 'rxjs';

export interface Message {
  readonly from: string;
  readonly text: string;
}

const KEPT_MESSAGES = 100;

/** Everybody who reads along in this process. */
@Injectable()
export class ChatRoom implements BeforeApplicationShutdown {
  private readonly said = new Subject<Message>();
  private readonly last: Message[] = [];

  get messages(): Observable<Message> {
    return this.said;
  }

  get transcript(): readonly Message[] {
    return [...this.last];
  }

  say(message: Message): void {
    this.last.push(message);
    if (this.last.length > KEPT_MESSAGES) this.last.shift();
    this.said.next(message);
  }

  /** Streams end before the server is closed, so that a shutdown has nothing to wait for or to cut. */
  beforeApplicationShutdown(): void {
    this.said.complete();
  }
}
