import {
  Body,
  Controller,
  Get,
  Header,
  Headers,
  HttpCode,
  type MessageEvent,
  Post,
  Query,
  Sse,
} from '@nestjs/common';
import { IsString, Length } from 'class-validator';
import { type Observable, endWith, from, ignoreElements, interval, map, merge, of, takeUntil } from 'rxjs';
import { Backpressure, RateLimit, StreamQuota } from '../../src/rate-limit/index.js';
import { ChatRoom } from './chat-room.js';
import { EmbeddingWorker } from './embedding-worker.js';

/** Shorter than HTTP_CONNECTION_TIMEOUT_MS, so that a quiet room is not taken for a dead connection. */
const HEARTBEAT_MS = 15_000;
/** What a browser waits for before it opens a stream again. */
const RETRY_MS = 3000;

class Text {
  @IsString()
  @Length(1, 2000)
  text!: string;
}

@Controller('chat')
export class ChatController {
  constructor(
    private readonly room: ChatRoom,
    private readonly embeddings: EmbeddingWorker,
  ) {}

  /** Reads along, for as long as the connection lasts: counted from here to its end by `@StreamQuota`. */
  @Sse('stream')
  @StreamQuota('chat')
  stream(): Observable<MessageEvent> {
    const over = this.room.messages.pipe(ignoreElements(), endWith(true));
    const heartbeats = interval(HEARTBEAT_MS).pipe(map(() => ({ comment: 'still here' }) as MessageEvent));
    const messages = this.room.messages.pipe(map((data): MessageEvent => ({ type: 'message', data })));
    const hello: MessageEvent = { type: 'hello', data: 'reading along', retry: RETRY_MS };
    return merge(of(hello), messages, heartbeats).pipe(takeUntil(over));
  }

  /** What was said so far, one at a time per user: a quota of this feature's own. */
  @Sse('transcript')
  @StreamQuota('chat-transcript')
  transcript(): Observable<MessageEvent> {
    return from(this.room.transcript).pipe(map((data): MessageEvent => ({ data })));
  }

  /** Writing is limited by a policy of this feature's own, beside the default one. */
  @Post('messages')
  @HttpCode(202)
  @RateLimit('chat-message')
  say(@Body() { text }: Text, @Headers('x-chat-user') user = 'somebody'): void {
    this.room.say({ from: user, text });
  }

  /** Documents are turned away while more of them wait than the worker can do soon. */
  @Post('documents')
  @HttpCode(202)
  @Backpressure('embedding-jobs')
  add(@Body() { text }: Text): void {
    this.embeddings.add(text);
  }

  @Get('vectors')
  @Header('content-type', 'application/json')
  async vector(@Query() { text }: Text): Promise<{ vector: string | null }> {
    return { vector: (await this.embeddings.vector(text)) ?? null };
  }
}
