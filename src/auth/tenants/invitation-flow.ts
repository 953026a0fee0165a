import { Injectable } from '@nestjs/common';
import { type FeatureDatabase, InjectDatabase, type Sql } from '../../database/index.js';
import {
  type EmailAddress,
  type Invitation,
  Invitations,
  type Role,
  type TenantActor,
  Tenants,
  Users,
} from '../../identity/index.js';
import { MailOutbox } from '../../mail/index.js';
import { OneTimeTokens, TokenInvalidError } from '../../security-tokens/index.js';
import { INVITATION } from '../auth.mails.js';

/** Who writes and who reads an invitation. */
@Injectable()
export class InvitationLetters {
  constructor(
    private readonly tenants: Tenants,
    private readonly users: Users,
    private readonly mails: MailOutbox,
  ) {}

  async send(
    tx: Sql,
    { actor, to, token }: { readonly actor: TenantActor; readonly to: string; readonly token: string },
  ): Promise<void> {
    const own = await this.tenants.membershipsOf(actor.userId, tx);
    const tenant = own.find(({ tenantId }) => tenantId === actor.tenantId)?.name ?? '';
    await this.mails.add(tx, { template: INVITATION, to, values: { token, tenant } });
  }

  /** Only whoever has proven the address gets in by it. */
  async reader(tx: Sql, userId: string): Promise<{ id: string; emailKey: string }> {
    const user = await this.users.byId(userId, tx);
    if (!user?.verified) throw new TokenInvalidError();
    return user;
  }
}

/** What an invitation needs in SQL, the mail with its token, and the token's way back. */
@Injectable()
export class InvitationFlow {
  constructor(
    @InjectDatabase('auth') private readonly db: FeatureDatabase,
    private readonly invitations: Invitations,
    private readonly tokens: OneTimeTokens,
    private readonly letters: InvitationLetters,
  ) {}

  /** @throws TenantNotFoundError, RoleForbidsError, TenantFullError, RedisUnavailableError (nothing was kept) */
  invite(actor: TenantActor, address: EmailAddress, role: Role): Promise<Invitation> {
    return this.db.transaction(async (tx) => {
      const invitation = await this.invitations.invite(tx, actor, { emailKey: address.key, role });
      const { token } = await this.tokens.issue('invitation', { subject: invitation.id });
      await this.letters.send(tx, { actor, to: address.email, token });
      return invitation;
    });
  }

  async withdraw(actor: TenantActor, invitationId: string): Promise<void> {
    await this.invitations.withdraw(actor, invitationId);
    await this.tokens.revoke('invitation', invitationId);
  }

  /** @throws TokenInvalidError, TokenInUseError, InvitationInvalidError, TenantFullError */
  accept(token: string, userId: string): Promise<{ tenantId: string; role: Role }> {
    return this.tokens.use('invitation', token, (claim) =>
      this.db.transaction(async (tx) => {
        const user = await this.letters.reader(tx, userId);
        return this.invitations.accept(tx, claim.subject, user);
      }),
    );
  }
}
