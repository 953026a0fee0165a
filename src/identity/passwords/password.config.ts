import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { EnvVariable, type Fault, type SettingsRules } from '../../config/index.js';
import { Secret } from '../../kernel/redact.js';

/** Below these a stolen hash is cheap to guess (OWASP Password Storage: 46 MiB once, or 19 MiB twice). */
const LEAST_MEMORY_KIB = 19_456;
const MEMORY_FOR_ONE_PASS_KIB = 47_104;
/** What one check may cost at all, also where the text of a hash asks for more. */
export const MOST_MEMORY_KIB = 1_048_576;
export const MOST_PASSES = 20;

export class PasswordSettings implements SettingsRules {
  static readonly title = 'Passwords';

  @EnvVariable('PASSWORD_PEPPER', {
    doc: 'Secret without which stolen password hashes cannot be guessed, at least 32 bytes; newest,older while it is being replaced. An older one is needed until its users have signed in again',
    file: true,
    ownSecret: 'generated',
    ring: true,
  })
  pepper!: Secret;

  @EnvVariable('PASSWORD_HASH_MEMORY_KIB', {
    doc: 'Memory of one argon2id hash in KiB. Who signs in is hashed anew after a change',
    default: '47104',
  })
  @IsInt()
  @Min(LEAST_MEMORY_KIB)
  @Max(MOST_MEMORY_KIB)
  memoryKib!: number;

  @EnvVariable('PASSWORD_HASH_PASSES', {
    doc: 'Passes of argon2id over its memory; at least 2 below 47104 KiB',
    default: '1',
  })
  @IsInt()
  @Min(1)
  @Max(MOST_PASSES)
  passes!: number;

  @EnvVariable('PASSWORD_HASH_LANES', {
    doc: 'Lanes of argon2id; more than 1 makes its times uneven',
    default: '1',
  })
  @IsInt()
  @Min(1)
  @Max(8)
  lanes!: number;

  @EnvVariable('PASSWORD_HASH_CONCURRENCY', {
    doc: 'Passwords that one process hashes at once; unset: one per core, at most 3, so that a thread is left for DNS and files',
    example: '2',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(64)
  concurrency?: number;

  @EnvVariable('PASSWORD_FORBIDDEN_WORDS', {
    doc: 'Names of this service, which no password may contain, separated by commas; each of 4 characters at least',
    default: 'bulkhead',
    parse: (text) =>
      text
        .split(',')
        .map((word) => word.trim())
        .filter(Boolean),
  })
  forbiddenWords: string[] = [];

  rules(): readonly Fault[] {
    const faults: Fault[] = [];
    if (this.passes < 2 && this.memoryKib < MEMORY_FOR_ONE_PASS_KIB) {
      faults.push({
        variable: 'PASSWORD_HASH_PASSES',
        rule: `must be at least 2 while PASSWORD_HASH_MEMORY_KIB is below ${MEMORY_FOR_ONE_PASS_KIB}`,
        remedy: 'Raise one of the two',
      });
    }
    if (this.forbiddenWords.some((word) => Array.from(word).length < 4)) {
      faults.push({
        variable: 'PASSWORD_FORBIDDEN_WORDS',
        rule: 'has a word of fewer than 4 characters, which is part of many good passwords',
        remedy: 'Name longer ones only',
      });
    }
    return faults;
  }
}
