import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { Authenticated, CurrentUser, type Identity } from '../../access/index.js';
import { NoStore } from '../../http/index.js';
import { AuthEvents } from '../auth-events.js';
import { type Client, RequestClient } from '../login/client.js';
import { FlowGate } from '../throttle/flow-gate.js';
import { AccountTokens } from './account-tokens.js';
import { ChangePasswordDto, ConfirmPasswordDto, ForgotDto } from './accounts.dto.js';
import { OwnPassword } from './own-password.js';
import { PasswordChange, PasswordReset } from './password-flows.js';
import { PasswordAftermath } from './password-aftermath.js';
import { plausibleEmail } from './plausible-email.js';
import { UniformTime } from './uniform-time.js';

/** A mail for whoever has forgotten the password; the same answer, after the same time, for an unknown address. */
@Controller('auth/password')
export class PasswordForgotController {
  constructor(
    private readonly reset: PasswordReset,
    private readonly gate: FlowGate,
    private readonly time: UniformTime,
    private readonly events: AuthEvents,
  ) {}

  @Post('forgot')
  @HttpCode(202)
  @NoStore()
  async forgot(@Body() { email }: ForgotDto, @RequestClient() { address: ip }: Client) {
    const { key } = plausibleEmail('email', email);
    const user = await this.gate.spendFor('reset', { account: key, ip }, () =>
      this.time.take(() => this.reset.begin(key)),
    );
    const reason = user ? 'mailed' : 'unknown';
    this.events.note({ event: 'password-forgot', result: 'ok', reason, userId: user?.id });
    return { status: 'accepted', detail: 'If the address has an account, a mail says how to go on.' };
  }
}

/** A new password by the token of that mail. One that breaks a rule does not use it up. */
@Controller('auth/password')
export class PasswordConfirmController {
  constructor(
    private readonly tokens: AccountTokens,
    private readonly change: PasswordChange,
    private readonly aftermath: PasswordAftermath,
  ) {}

  @Post('confirm')
  @HttpCode(204)
  @NoStore()
  async confirm(@Body() { token, new_password }: ConfirmPasswordDto): Promise<void> {
    // Before the token is claimed: while it is, the same request with a better password would hear 409.
    this.change.assertFit(new_password);
    await this.tokens.useReset(token, async (user) => {
      const epoch = await this.change.perform(user, new_password, { by: 'password-reset' });
      await this.aftermath.of(user, epoch);
    });
  }
}

/** A new password by the present one. */
@Controller('auth/password')
export class PasswordChangeController {
  constructor(
    private readonly passwords: OwnPassword,
    private readonly replacement: PasswordChange,
    private readonly aftermath: PasswordAftermath,
    private readonly gate: FlowGate,
  ) {}

  @Post('change')
  @HttpCode(204)
  @NoStore()
  @Authenticated()
  async change(
    @Body() { current_password, new_password }: ChangePasswordDto,
    @CurrentUser() { userId, sessionId }: Identity,
    @RequestClient() { address: ip }: Client,
  ): Promise<void> {
    // Given back where the password was not looked at. What comes then costs a hash for each one that is remembered.
    const user = await this.gate.spendFor('password-change', { user: userId, ip }, () =>
      this.passwords.assert(userId, current_password, 'password-change'),
    );
    const epoch = await this.replacement.perform(user, new_password, { by: 'password-changed', sessionId });
    await this.aftermath.of(user, epoch, sessionId);
  }
}
