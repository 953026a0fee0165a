import { Body, Controller, Delete, Get, HttpCode, Post, Put } from '@nestjs/common';
import { NoStore, OpsOnly } from '../../http/index.js';
import { SkipRateLimit } from '../http/rate-limit.decorator.js';
import type { Dimension, Subjects } from '../policies/policy.js';
import { InvalidRulingError } from './control.errors.js';
import { BlockDto, OverrideDto, OverridePlaceDto, ResetDto, UnblockDto } from './control.dto.js';
import { assertWhole, overrideOf, placeOf, ruleOf, streamsOf, targetOf } from './override-body.js';
import { type BlockReport, RateLimitControl } from './rate-limit-control.js';
import { RateLimitStore } from './rate-limit-store.js';

/**
 * What counts, and what operators have set about it. Without a limit of its own: it has to be there for whoever ends a
 * flood, and for whoever has blocked an own address.
 */
@Controller('rate-limit')
@OpsOnly()
@SkipRateLimit()
export class RateLimitOpsController {
  constructor(
    private readonly control: RateLimitControl,
    private readonly limits: RateLimitStore,
  ) {}

  @Get('store')
  @NoStore()
  store() {
    return this.limits.info();
  }

  @Get('blocks')
  @NoStore()
  blocks() {
    return { blocks: this.control.blocked().map(blockOf) };
  }

  @Post('blocks')
  @NoStore()
  async block(@Body() { dimension, subject, for_ms }: BlockDto) {
    return blockOf(await this.control.block(dimension as Dimension, subject, for_ms));
  }

  @Delete('blocks')
  @NoStore()
  async unblock(@Body() { dimension, subject, id }: UnblockDto) {
    const who = subject ?? (id ? { id } : undefined);
    if (who === undefined || (subject && id)) throw new InvalidRulingError(['Name a subject or an id.']);
    return { lifted: await this.control.unblock(dimension as Dimension, who) };
  }

  @Get('overrides')
  @NoStore()
  overrides() {
    return { overrides: this.control.overrides().map(overrideOf) };
  }

  @Put('overrides')
  @HttpCode(204)
  async override(@Body() body: OverrideDto): Promise<void> {
    const place = placeOf(body);
    if ('streamQuota' in place) {
      const streams = streamsOf(body);
      return this.control.overrideStreams(place.streamQuota, place.limit, targetOf(body), streams);
    }
    const { policy, limit } = place;
    const rule = ruleOf(body, limit ? this.kindOf(policy, limit) : undefined);
    if (limit) return inNamesOfApi(() => this.control.override(policy, limit, targetOf(body), rule));
    assertWhole(body);
    if (!body.mode)
      throw new InvalidRulingError(['Of a policy as a whole only the mode can be set; name a limit.']);
    await this.control.setMode(policy, body.mode);
  }

  @Delete('overrides')
  @NoStore()
  async lift(@Body() body: OverridePlaceDto) {
    return { lifted: await this.liftAt(body) };
  }

  @Post('reset')
  @HttpCode(200)
  @NoStore()
  async reset(@Body() { policies, dimension, subject }: ResetDto) {
    const who: Subjects = { [dimension]: subject };
    const { backend, degraded } = await this.control.reset(policies, who);
    return { backend, degraded };
  }

  private liftAt(body: OverridePlaceDto): Promise<boolean> {
    const place = placeOf(body);
    if ('streamQuota' in place)
      return this.control.removeStreamOverride(place.streamQuota, place.limit, targetOf(body));
    const { policy, limit } = place;
    if (limit) return this.control.removeOverride(policy, limit, targetOf(body));
    assertWhole(body);
    return this.control.setMode(policy, undefined);
  }

  private kindOf(policy: string, limit: string): string | undefined {
    const { policies } = this.limits.info();
    return policies.find(({ name }) => name === policy)?.limits.find(({ name }) => name === limit)?.kind;
  }
}

function blockOf({ dimension, id, label, untilMs }: BlockReport) {
  return { dimension, id, label, until: new Date(untilMs).toISOString() };
}

/** What breaks the rules of policies is told in the names of the body, not in those of the code. */
async function inNamesOfApi(set: () => Promise<void>): Promise<void> {
  try {
    await set();
  } catch (error) {
    if (!(error instanceof InvalidRulingError)) throw error;
    throw new InvalidRulingError(error.faults.map((fault) => fault.replaceAll('windowMs', 'window_ms')));
  }
}
