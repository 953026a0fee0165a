import { Controller, Get } from '@nestjs/common';
import { NoStore, OpsOnly } from '../../http/index.js';
import { Lag, type LagReport } from './lag.js';

/** How far behind everything is. */
@Controller('billing/lag')
@OpsOnly()
export class LagController {
  constructor(private readonly lag: Lag) {}

  @Get()
  @NoStore()
  show(): Promise<LagReport> {
    return this.lag.report();
  }
}
