import { Injectable } from '@nestjs/common';
import { type FeatureDatabase, InjectDatabase, type Sql } from '../../database/index.js';
import {
  type EmailAddress,
  type Invitation,
  Invitations,
  type Role,
  type TenantActor,
  Tenants,
} from '../../identity/index.js';
import { MailOutbox } from '../../mail/index.js';
import { OneTimeTokens } from '../../security-tokens/index.js';
import { INVITATION } from '../auth.mails.js';

/** The mails of invitations. */
@Injectable()
export class InvitationLetters {
  constructor(
    private readonly tenants: Tenants,
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
}

/** Asks somebody in: what an invitation needs in SQL, the mail and its token. And takes it back. */
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
}
