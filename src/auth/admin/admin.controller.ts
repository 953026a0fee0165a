import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { IsIn } from 'class-validator';
import { CurrentUser, type Identity, RequireScopes } from '../../access/index.js';
import { IdPipe } from '../../http/index.js';
import { AdminActs } from './admin-acts.js';

/** Fixed words: a free text would hold names and addresses, and be kept as long as the event. */
export const ADMIN_REASONS = ['support', 'abuse', 'compromise', 'offboarding', 'test', 'other'] as const;

export class ReasonDto {
  @IsIn(ADMIN_REASONS)
  reason!: (typeof ADMIN_REASONS)[number];
}

/** What administrators of the installation do to accounts. A password is never theirs to choose (ASVS 5.0, 6.4.6). */
@Controller('admin/users/:id')
@RequireScopes('users:admin')
export class AdminController {
  constructor(private readonly acts: AdminActs) {}

  /** Mails the owner a way to a new password. */
  @Post('password-reset')
  @HttpCode(202)
  async reset(
    @Param('id', IdPipe) id: string,
    @Body() { reason }: ReasonDto,
    @CurrentUser() { userId: actorId }: Identity,
  ) {
    await this.acts.reset(id, { actorId, reason });
    return { status: 'accepted' };
  }

  @Post('unlock')
  @HttpCode(204)
  unlock(
    @Param('id', IdPipe) id: string,
    @Body() { reason }: ReasonDto,
    @CurrentUser() { userId: actorId }: Identity,
  ): Promise<void> {
    return this.acts.unlock(id, { actorId, reason });
  }

  @Post('disable')
  @HttpCode(204)
  disable(
    @Param('id', IdPipe) id: string,
    @Body() { reason }: ReasonDto,
    @CurrentUser() { userId: actorId }: Identity,
  ): Promise<void> {
    return this.acts.disable(id, { actorId, reason });
  }

  @Post('enable')
  @HttpCode(204)
  enable(
    @Param('id', IdPipe) id: string,
    @Body() { reason }: ReasonDto,
    @CurrentUser() { userId: actorId }: Identity,
  ): Promise<void> {
    return this.acts.enable(id, { actorId, reason });
  }

  @Post('sessions/revoke')
  @HttpCode(204)
  revoke(
    @Param('id', IdPipe) id: string,
    @Body() { reason }: ReasonDto,
    @CurrentUser() { userId: actorId }: Identity,
  ): Promise<void> {
    return this.acts.revoke(id, { actorId, reason });
  }
}
