/** What a provider gives. */
export interface IssuedCredentials {
  /** Without one: the user of `…_USERNAME` or of the URL. */
  readonly username?: string;
  readonly password: string;
  /** Wall clock, milliseconds since the epoch; unset: valid until a server refuses them. */
  readonly expiresAtMs?: number;
}

/**
 * Gives the credentials of a purpose where they are no setting: tokens of IAM or Entra ID that live for some
 * minutes, a vault. Passed in `RedisModule.forRoot({ credentials: { billingEvents: provider } })`.
 *
 * It is asked before the first connect, well ahead of each expiry, after a refusal by the server and at
 * SIGHUP; never twice at a time, unless it ignores `signal`. It may throw: what is in use stays in use, a warning names the purpose (with
 * name and code of the error, not its message, which may hold a secret), and it is asked again after a pause.
 */
export interface CredentialProvider {
  /** @param signal aborted after four seconds, when the answer is no longer waited for */
  fetch(signal: AbortSignal): Promise<IssuedCredentials>;
}

/** By purpose. */
export type CredentialProviders = Readonly<Record<string, CredentialProvider>>;
