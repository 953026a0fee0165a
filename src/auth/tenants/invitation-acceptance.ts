import { Injectable } from '@nestjs/common';
import { type FeatureDatabase, InjectDatabase } from '../../database/index.js';
import { Invitations, type Role, Users } from '../../identity/index.js';
import { OneTimeTokens, TokenInvalidError } from '../../security-tokens/index.js';

/** From the token of a letter to a membership. */
@Injectable()
export class InvitationAcceptance {
  constructor(
    @InjectDatabase('auth') private readonly db: FeatureDatabase,
    private readonly invitations: Invitations,
    private readonly users: Users,
    private readonly tokens: OneTimeTokens,
  ) {}

  /**
   * @throws TokenInvalidError, TokenInUseError, InvitationInvalidError, InvitedAddressUnverifiedError, TenantFullError,
   *   RedisUnavailableError
   */
  perform(token: string, userId: string): Promise<{ tenantId: string; role: Role }> {
    return this.tokens.use('invitation', token, (claim) =>
      this.db.transaction(async (tx) => {
        const user = await this.users.byId(userId, tx);
        if (!user) throw new TokenInvalidError();
        return this.invitations.accept(tx, claim.subject, user);
      }),
    );
  }
}
