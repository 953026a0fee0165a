import { Injectable } from '@nestjs/common';
import { PasswordBlocklist } from './password-blocklist.js';
import { judgePassword } from './password-policy.js';
import { PasswordSettings } from './password.config.js';

/** The policy with the names and the list of this installation. */
@Injectable()
export class PasswordRules {
  constructor(
    private readonly settings: PasswordSettings,
    private readonly blocklist: PasswordBlocklist,
  ) {}

  /**
   * @param emailKey undefined: it is not known yet whose it is to be
   * @returns the spelling that is to be hashed
   * @throws PasswordPolicyError
   */
  judge(password: string, emailKey: string | undefined): string {
    const { forbiddenWords } = this.settings;
    return judgePassword(password, {
      emailKey,
      forbiddenWords,
      isCommon: (text) => this.blocklist.has(text),
    });
  }
}
