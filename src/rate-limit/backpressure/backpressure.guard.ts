import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { BackpressureError } from './backpressure.errors.js';
import { BACKPRESSURE } from './backpressure.metadata.js';
import { Backlogs } from './backlogs.js';

/** Costs a lookup per request: the backlog itself is read in the background. */
@Injectable()
export class BackpressureGuard implements CanActivate {
  constructor(
    private readonly backlogs: Backlogs,
    private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const targets = [context.getHandler(), context.getClass()];
    const name = this.reflector.getAllAndOverride<string | undefined>(BACKPRESSURE, targets);
    const full = name === undefined ? undefined : this.backlogs.shed(name);
    if (full) throw new BackpressureError(full);
    return true;
  }
}
