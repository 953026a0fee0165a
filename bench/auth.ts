import { access } from './access.js';
import { loginBurst } from './auth/burst.js';
import { loginGate } from './auth/gate.js';
import { races } from './auth/races.js';
import { refresh } from './auth/refresh.js';
import { timing } from './auth/timing.js';

/**
 * What accounts promise in figures. `auth` is all of it; by name each on its own. Numbers of rounds, samples and races
 * are arguments: `-- auth-timing --samples=200`.
 */
export const AUTH_SECTIONS = {
  access,
  'auth-gate': loginGate,
  'auth-refresh': refresh,
  'auth-burst': loginBurst,
  'auth-races': races,
  'auth-timing': timing,
} as const;

/** Minutes to hours long, so they run by name only. */
export const LONG_SECTIONS: readonly string[] = ['auth-races', 'auth-timing'];

export async function auth(): Promise<void> {
  for (const section of Object.values(AUTH_SECTIONS)) await section();
}
