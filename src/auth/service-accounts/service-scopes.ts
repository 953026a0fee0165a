import { ForbiddenError, requiredScopes } from '../../access/index.js';
import { InvalidIdentityValueError, type ServiceAccount } from '../../identity/index.js';
import { HOUSE_SCOPES } from '../scopes.js';

/** What is done in somebody's name: memberships, accounts, keys of other programs. Nobody signs for that by a key in a file. */
const PEOPLE_ONLY: readonly string[] = ['tenant:manage', 'users:admin', 'service-accounts:admin'];

/** @throws InvalidIdentityValueError (422) for scopes that a service account cannot have */
export function assertForPrograms(scopes: readonly string[]): void {
  if (scopes.some((scope) => PEOPLE_ONLY.includes(scope)))
    throw new InvalidIdentityValueError(
      'scopes',
      `hold none of ${PEOPLE_ONLY.join(', ')}: they are for people`,
    );
  // A misspelt one would be found when the program is first turned away.
  const known = [...new Set([...HOUSE_SCOPES, ...requiredScopes()])].filter(
    (scope) => !PEOPLE_ONLY.includes(scope),
  );
  if (!scopes.every((scope) => known.includes(scope)))
    throw new InvalidIdentityValueError(
      'scopes',
      `be among ${known.sort().join(', ')}: no route asks for others`,
    );
}

/** @throws ForbiddenError (403) where the account may not have such a token */
export function assertMayHave(
  account: ServiceAccount,
  { tenantId, scopes }: { readonly tenantId: string; readonly scopes: readonly string[] },
): void {
  if (account.tenantId !== tenantId)
    throw new ForbiddenError('The service account belongs to another tenant.');
  const beyond = scopes.filter((scope) => !account.scopes.includes(scope) || PEOPLE_ONLY.includes(scope));
  if (beyond.length > 0)
    throw new ForbiddenError('The service account does not have all of these scopes.', beyond);
}
