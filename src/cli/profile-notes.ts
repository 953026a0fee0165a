import type { Profile } from '../config/index.js';

/** What APP_PROFILE decides, for the template and the reference. */
export const PROFILE_VARIABLE = 'APP_PROFILE';

export const PROFILE_RULE =
  'What may run and what is enforced; unset it is production where NODE_ENV is, else development';

export const PROFILE_NOTES: Readonly<Record<Profile, string>> = {
  demo: 'embedded Redis engines unless a URL is set; nothing is kept, nothing has to be configured',
  test: 'embedded or real servers, as the test says; fixed secrets',
  development: 'real servers; missing TLS, passwords and ACL users are warned about',
  staging: 'as production',
  production:
    'TLS, passwords and ACL users are required and proven on the wire; secrets must be given, embedded engines are refused',
};
