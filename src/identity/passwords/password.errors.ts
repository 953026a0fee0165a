import { AppError } from '../../kernel/errors.js';

/** Which rule a new password breaks. Stable: user interfaces translate these words. */
export type PasswordRule =
  'too-short' | 'too-long' | 'not-text' | 'contains-email' | 'contains-service-name' | 'repetitive';

const EXPLANATIONS: Readonly<Record<PasswordRule, (limit: number) => string>> = {
  'too-short': (limit) =>
    `The password has fewer than ${limit} characters; a few words are easy to remember.`,
  'too-long': (limit) => `The password has more than ${limit} characters.`,
  'not-text': () => 'The password holds half a character, which cannot be typed again the same way.',
  'contains-email': () => 'The password contains the name in the e-mail address; choose one without it.',
  'contains-service-name': () => 'The password contains the name of this service; choose one without it.',
  repetitive: () => 'The password is a short text over and over; choose one that does not repeat itself.',
};

const SLUGS = {
  policy: { slug: 'password-policy', title: 'The password breaks a rule' },
  blocked: { slug: 'password-blocked', title: 'The password is too common' },
  reused: { slug: 'password-reused', title: 'The password was used before' },
} as const;

/** A new password is not accepted; the old one still holds. 422; nothing was changed and no token is used up. */
export class PasswordPolicyError extends AppError {
  readonly code = 'PASSWORD_POLICY';
  readonly status = 422;
  readonly slug: 'password-policy' | 'password-blocked' | 'password-reused';
  readonly title: string;

  private constructor(
    kind: keyof typeof SLUGS,
    detail: string,
    readonly rule: PasswordRule | 'common' | 'reused',
  ) {
    super(detail);
    this.slug = SLUGS[kind].slug;
    this.title = SLUGS[kind].title;
  }

  /** @param limit what the rule counts to, where it counts */
  static breaks(rule: PasswordRule, limit = 0): PasswordPolicyError {
    return new PasswordPolicyError('policy', EXPLANATIONS[rule](limit), rule);
  }

  static blocked(): PasswordPolicyError {
    return new PasswordPolicyError(
      'blocked',
      'Many people use this password, so it is among the first that are guessed; choose another one.',
      'common',
    );
  }

  static reused(): PasswordPolicyError {
    return new PasswordPolicyError(
      'reused',
      'This is the present password or one of the last; choose one that was not used here before.',
      'reused',
    );
  }

  override get extensions(): Record<string, unknown> {
    return { rule: this.rule };
  }
}

/** More passwords are to be hashed than this process can do soon. 503; nothing was decided. */
export class OverloadedError extends AppError {
  readonly code = 'OVERLOADED';
  readonly status = 503;
  readonly slug = 'overloaded';
  readonly title = 'Temporarily overloaded';

  /** @param retryAfterMs when about a place should be free */
  constructor(override readonly retryAfterMs: number) {
    super('Too many sign-ins are waiting at the moment. Nothing was decided; try again soon.');
  }
}

/** The text that was stored for a password cannot be read. 503 and never 401: nobody typed a wrong password. */
export class CredentialUnreadableError extends AppError {
  readonly code = 'CREDENTIAL_UNREADABLE';
  readonly status = 503;
  readonly slug = 'dependency-unavailable';
  readonly title = 'A part of the service is unavailable';
  override readonly retryAfterMs = 60_000;

  /** @param why for the log; holds nothing of the stored text */
  constructor(readonly why: 'malformed' | 'unknown-pepper') {
    super('The password could not be checked. The operators know; try again later, or reset the password.');
  }
}

/** The password changed between the checks of a new one and its storing, more often than can be chance. */
export class PasswordContentionError extends AppError {
  readonly code = 'PASSWORD_CONTENTION';
  readonly status = 503;
  readonly slug = 'overloaded';
  readonly title = 'Temporarily overloaded';
  override readonly retryAfterMs = 1000;

  constructor() {
    super('The password was changed at the same time from elsewhere. Nothing was changed here; try again.');
  }
}
