/** What must not compile; the compiler is the runner (`npm run typecheck`). Nothing here is executed. */
import type { Claim, OneTimeTokens } from '../src/security-tokens/index.js';

declare const tokens: OneTimeTokens;
declare const claim: Claim<'passwordReset'>;

export async function kinds(): Promise<number> {
  // @ts-expect-error a misspelt kind
  await tokens.issue('paswordReset', { subject: 'u1' });
  // @ts-expect-error a token is for somebody
  await tokens.issue('passwordReset', {});
  // @ts-expect-error data are texts
  await tokens.issue('passwordReset', { subject: 'u1', data: { epoch: 1 } });
  // @ts-expect-error a claim is not changed
  claim.subject = 'u2';
  const kind: 'passwordReset' = (await tokens.claim('passwordReset', 'x')).kind;
  // What the work gives is what the use gives.
  return tokens.use(
    'passwordReset',
    'x',
    async (held: Claim<'passwordReset'>) => held.subject.length + kind.length,
  );
}
