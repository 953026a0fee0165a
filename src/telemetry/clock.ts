/**
 * Token of the Clock. Code that waits or measures injects it (`@Inject(CLOCK) clock: Clock`), so that a test
 * replaces it with a ManualClock and moves time instead of sleeping.
 */
export const CLOCK = Symbol('clock');
