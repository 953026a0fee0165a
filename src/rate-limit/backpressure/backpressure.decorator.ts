import { SetMetadata, UseGuards, applyDecorators } from '@nestjs/common';
import { BackpressureGuard } from './backpressure.guard.js';
import { BACKPRESSURE } from './backpressure.metadata.js';

/**
 * Turns requests away while this backlog is over its mark. The module of the controller imports RateLimitModule; a
 * name that nobody has registered refuses the start.
 */
export function Backpressure(backlog: string): ClassDecorator & MethodDecorator {
  return applyDecorators(SetMetadata(BACKPRESSURE, backlog), UseGuards(BackpressureGuard));
}
