import { Module } from '@nestjs/common';
import { HttpModule } from '../../http/index.js';
import { RateLimitModule } from '../rate-limit.module.js';
import { RateLimitOpsController } from './rate-limit-ops.controller.js';

/** The endpoints for operators. The application module imports it; who only counts does not need it. */
@Module({ imports: [HttpModule, RateLimitModule], controllers: [RateLimitOpsController] })
export class RateLimitOpsModule {}
