import { SetMetadata, UseGuards, applyDecorators } from '@nestjs/common';
import { StreamQuotaGuard } from './stream-quota.guard.js';
import { STREAM_QUOTA } from './stream-quota.metadata.js';
import type { StreamQuotaName } from './stream-quotas.table.js';

/**
 * Counts what a route answers as an open stream, from before its handler runs until its connection closes. It runs
 * where it stands among the guards, so whoever says who the user is stands below it. The module of the controller
 * imports RateLimitModule.
 */
export function StreamQuota(name: StreamQuotaName): ClassDecorator & MethodDecorator {
  return applyDecorators(SetMetadata(STREAM_QUOTA, name), UseGuards(StreamQuotaGuard));
}
