import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { Authenticated, CurrentUser, type Identity, InvalidTokenError } from '../../access/index.js';
import { NoStore } from '../../http/index.js';
import { Users } from '../../identity/index.js';
import { AuthEvents } from '../auth-events.js';
import { type Client, RequestClient } from '../login/client.js';
import { FlowGate } from '../throttle/flow-gate.js';
import { AccountTokens } from './account-tokens.js';
import { ChangeEmailDto, TokenDto } from './accounts.dto.js';
import { EmailConfirmation, EmailMails } from './email-flows.js';
import { OwnPassword } from './own-password.js';
import { plausibleEmail } from './plausible-email.js';
import { SessionsEnd } from './sessions-end.js';

/** Asking for a mail about the own address. */
@Controller('auth/email')
export class EmailController {
  constructor(
    private readonly users: Users,
    private readonly mails: EmailMails,
    private readonly gate: FlowGate,
    private readonly events: AuthEvents,
  ) {}

  @Post('send')
  @HttpCode(202)
  @NoStore()
  @Authenticated()
  async send(@CurrentUser() { userId }: Identity, @RequestClient() { address: ip }: Client) {
    await this.gate.spendFor('verify', { user: userId, ip }, () => this.mail(userId));
    this.events.note({ event: 'email-send', result: 'ok', userId });
    return { status: 'accepted' };
  }

  private async mail(userId: string): Promise<void> {
    const user = await this.users.byId(userId);
    if (!user) throw new InvalidTokenError('unknown-session');
    if (!user.verified) await this.mails.confirm(user);
  }
}

/** Another address for the own account. Nothing changes before the new one is confirmed. */
@Controller('auth/email')
export class EmailChangeController {
  constructor(
    private readonly passwords: OwnPassword,
    private readonly mails: EmailMails,
    private readonly gate: FlowGate,
    private readonly events: AuthEvents,
  ) {}

  @Post('change')
  @HttpCode(202)
  @NoStore()
  @Authenticated()
  async change(
    @Body() { new_email, password }: ChangeEmailDto,
    @CurrentUser() { userId }: Identity,
    @RequestClient() { address: ip }: Client,
  ) {
    const address = plausibleEmail('new_email', new_email);
    // A wrong password is a 401, which stays spent.
    await this.gate.spendFor('email-change', { user: userId, account: address.key, ip }, async (keep) => {
      await this.mails.assertPossible();
      const user = await this.passwords.assert(userId, password, 'email-change');
      keep();
      await this.mails.change(user, address);
    });
    this.events.note({ event: 'email-change', result: 'ok', userId });
    return { status: 'accepted' };
  }
}

/** The token of a mail. POST only: whatever follows links on its own confirms nothing. */
@Controller('auth/email')
export class EmailVerifyController {
  constructor(
    private readonly tokens: AccountTokens,
    private readonly confirmation: EmailConfirmation,
    private readonly sessions: SessionsEnd,
    private readonly events: AuthEvents,
  ) {}

  @Post('verify')
  @HttpCode(200)
  @NoStore()
  async verify(@Body() { token }: TokenDto) {
    const { userId, changed } = await this.tokens.useVerification(token, async (user, address) => {
      if (!address) await this.confirmation.present(user);
      else await this.sessions.olderThan(await this.confirmation.other(user, address), user.id);
      return { userId: user.id, changed: address !== undefined };
    });
    const reason = changed ? 'changed' : 'confirmed';
    this.events.note({ event: 'email-verify', result: 'ok', reason, userId });
    return { email_verified: true };
  }
}
