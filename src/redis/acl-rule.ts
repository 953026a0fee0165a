import { commandSpec } from './commands.js';
import type { PurposeDefinition } from './purposes.js';

/** Beside the row's list: what the greeting and the after-connect proof need, none of which reads data. */
const ALWAYS = ['+info', '+client|info', '+client|setname', '+multi', '+discard'] as const;

export interface AclRuleOptions {
  readonly user: string;
  readonly definition: PurposeDefinition;
  readonly db: number;
}

/**
 * The least rule that lets the application work: a whitelist of commands on the namespace's keys and no
 * channel. Generated from the list that the guard enforces, so that the two cannot differ.
 *
 * @returns one line for `ACL SETUSER` or an ACL file, with `>PASSWORD` left to fill in
 */
export function aclRule({ user, definition, db }: AclRuleOptions): string {
  const commands = definition.commands.flatMap((name) => {
    const subcommands = commandSpec(name)?.subcommands;
    return subcommands ? subcommands.map((sub) => `+${name}|${sub}`) : [`+${name}`];
  });
  // EXEC runs only what was granted; it is needed by transactions of the feature.
  const rights = [...ALWAYS, '+exec', ...(db === 0 ? [] : ['+select']), ...commands];
  return `user ${user} on >PASSWORD resetchannels ~${definition.namespace}:* -@all ${rights.join(' ')}`;
}
