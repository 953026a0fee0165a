/**
 * The profile decides what may run and what is enforced (design: profiles). It comes from APP_PROFILE; unset
 * it is `production` when NODE_ENV is, else `development`.
 */
export const PROFILES = ['demo', 'test', 'development', 'staging', 'production'] as const;
export type Profile = (typeof PROFILES)[number];

/** Profiles that run on a developer's machine or in CI: nothing is enforced on the wire. */
export function isLocal(profile: Profile): boolean {
  return profile === 'demo' || profile === 'test' || profile === 'development';
}

export function isProfile(text: string): text is Profile {
  return (PROFILES as readonly string[]).includes(text);
}

export function defaultProfile(env: Environment): Profile {
  return env.NODE_ENV === 'production' ? 'production' : 'development';
}

/** Raw variables, as the operating system gives them. */
export type Environment = Readonly<Record<string, string | undefined>>;
