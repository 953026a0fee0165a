import { IsInt, Max, Min } from 'class-validator';
import { EnvVariable } from '../config/index.js';
import { Secret } from '../kernel/redact.js';
import { parseDurationMs } from '../kernel/time.js';

const pepper = (kind: string, what: string): PropertyDecorator =>
  EnvVariable(`SECURITY_TOKEN_${kind}_PEPPER`, {
    doc: `Key of the digests of ${what}, at least 32 bytes; newest,older,… to replace it`,
    file: true,
    ownSecret: 'generated',
    ring: true,
  });

/** One ring for each kind of token, so that a pepper that leaks says nothing about another kind. */
export class SecurityTokenPeppers {
  static readonly title = 'Security tokens';

  @pepper('EMAIL_VERIFICATION', 'links that verify an e-mail address')
  emailVerification!: Secret;

  @pepper('PASSWORD_RESET', 'links that reset a password')
  passwordReset!: Secret;

  @pepper('STATUS_CONFIRM', 'links that confirm a subscription to status alerts')
  statusConfirm!: Secret;

  @pepper('WEBHOOK_CHALLENGE', 'challenges that webhooks answer')
  webhookChallenge!: Secret;

  @pepper('STREAM_TICKET', 'tickets that open event streams')
  streamTicket!: Secret;

  @pepper('INVITATION', 'invitations to a tenant')
  invitation!: Secret;

  @pepper('UNSUBSCRIBE', 'links that end a subscription; one that is taken away ends the links made with it')
  unsubscribe!: Secret;
}

export class NonceSettings {
  static readonly title = 'Signed requests';

  @EnvVariable('SECURITY_TOKEN_NONCE_SKEW_MS', {
    doc: 'How far the clocks of those who sign requests may be off; after a loss of nonces requests are refused for as long',
    default: '30s',
    parse: parseDurationMs,
  })
  @IsInt()
  @Min(0)
  @Max(300_000)
  skewMs!: number;
}
