import { Module } from '@nestjs/common';
import { RateLimitModule } from '../../src/rate-limit/index.js';
import { RedisModule } from '../../src/redis/index.js';
import { ChatController } from './chat.controller.js';
import { ChatRoom } from './chat-room.js';
import { EmbeddingWorker } from './embedding-worker.js';

@Module({
  // What this feature may reach: limits and backlogs, and the one compartment that is its own.
  imports: [RateLimitModule, RedisModule.forPurpose('embeddings')],
  controllers: [ChatController],
  providers: [ChatRoom, EmbeddingWorker],
})
export class ChatModule {}
