import { Body, Controller, Delete, Get, HttpCode, Post, Put } from '@nestjs/common';
import { NoStore, OpsOnly } from '../../http/index.js';
import { SkipRateLimit } from '../http/rate-limit.decorator.js';
import type { Dimension, Subjects } from '../policies/policy.js';
import { InvalidRulingError } from './control.errors.js';
import { BlockDto, OverrideDto, OverridePlaceDto, ResetDto, UnblockDto } from './control.dto.js';
import type { OverrideRule } from './override.js';
import {
  type BlockReport,
  type OverrideReport,
  type OverrideTarget,
  RateLimitControl,
} from './rate-limit-control.js';
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
    const { policy, limit, mode } = body;
    const rule = ruleOf(body, limit ? this.kindOf(policy, limit) : undefined);
    if (limit) return inNamesOfApi(() => this.control.override(policy, limit, targetOf(body), rule));
    assertWhole(body);
    if (!mode)
      throw new InvalidRulingError(['Of a policy as a whole only the mode can be set; name a limit.']);
    await this.control.setMode(policy, mode);
  }

  @Delete('overrides')
  @NoStore()
  async lift(@Body() body: OverridePlaceDto) {
    const { policy, limit } = body;
    if (limit) return { lifted: await this.control.removeOverride(policy, limit, targetOf(body)) };
    assertWhole(body);
    return { lifted: await this.control.setMode(policy, undefined) };
  }

  @Post('reset')
  @HttpCode(200)
  @NoStore()
  async reset(@Body() { policies, dimension, subject }: ResetDto) {
    const who: Subjects = { [dimension]: subject };
    const { backend, degraded } = await this.control.reset(policies, who);
    return { backend, degraded };
  }

  private kindOf(policy: string, limit: string): string | undefined {
    const { policies } = this.limits.info();
    return policies.find(({ name }) => name === policy)?.limits.find(({ name }) => name === limit)?.kind;
  }
}

function blockOf({ dimension, id, label, untilMs }: BlockReport) {
  return { dimension, id, label, until: new Date(untilMs).toISOString() };
}

function overrideOf(override: OverrideReport) {
  const { policy, inForce: in_force } = override;
  if (!('rule' in override)) return { policy, mode: override.policyMode, in_force };
  const { limit, id, label, pattern, rule } = override;
  const target = pattern === undefined ? { id, label } : { pattern };
  if (!('quota' in rule)) return { policy, limit, ...target, ...rule, in_force };
  const { quota, windowMs: window_ms, burst } = rule;
  return { policy, limit, ...target, quota, window_ms, burst, in_force };
}

function targetOf({ subject, pattern, id }: OverridePlaceDto): OverrideTarget {
  const named = [subject && { subject }, pattern && { pattern }, id && { id }].filter((one) => one);
  const [target] = named;
  if (!target || named.length > 1) throw new InvalidRulingError(['Name one of subject, pattern and id.']);
  return target;
}

function assertWhole({ subject, pattern, id }: OverridePlaceDto): void {
  if (subject || pattern || id)
    throw new InvalidRulingError(['Name the limit that is to be another one for them.']);
}

function ruleOf(
  { limit, quota, window_ms, burst, exempt, mode }: OverrideDto,
  kind: string | undefined,
): OverrideRule {
  const numbers = [quota, window_ms, burst].some(isGiven);
  const said = [numbers, exempt, mode].filter((one) => one).length;
  if (said !== 1)
    throw new InvalidRulingError(['Say one of these: quota, window_ms and burst; exempt; mode.']);
  if (exempt) return { exempt };
  if (mode === 'enforce' && limit)
    throw new InvalidRulingError(['Only a policy as a whole can be made to enforce.']);
  if (mode) return { mode: 'shadow' };
  const needed = { quota, window_ms, ...(kind === 'rate' ? { burst } : {}) };
  const missing = Object.entries(needed).flatMap(([name, value]) => (isGiven(value) ? [] : [name]));
  if (!isGiven(quota) || !isGiven(window_ms) || missing.length > 0)
    throw new InvalidRulingError(missing.map((name) => `Other numbers need ${name}.`));
  return { quota, windowMs: window_ms, ...(isGiven(burst) ? { burst } : {}) };
}

function isGiven(value: number | null | undefined): value is number {
  return value !== undefined && value !== null;
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
