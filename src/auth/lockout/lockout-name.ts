/** What everybody's is that has no account, and that of accounts which were there before they had one. */
const NOBODYS_EPOCH = 1;

/**
 * What an account is called in the lockout: its address, under the epoch that SQL has. Where that grows, failures and locks
 * of before are those of a name that nobody asks for any more, whether Redis can be told or not.
 *
 * @param accountKey the one spelling of the e-mail address, which has no space
 * @param epoch `lockoutEpoch` of its user; undefined: nobody has the address
 */
export function lockoutName(accountKey: string, epoch = NOBODYS_EPOCH): string {
  return epoch === NOBODYS_EPOCH ? accountKey : `${epoch} ${accountKey}`;
}
