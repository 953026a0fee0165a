import type { DynamicModule } from '@nestjs/common';
import type { Environment, Settings, SettingsError } from '../config/index.js';
import type { Output } from './output.js';

/** What the commands may know of the application. It lives on the roof, so it is handed down to them. */
export interface Application {
  /** Every dynamic module of the house; needs no environment. */
  modules(): Promise<readonly DynamicModule[]>;
  /** The same with the settings that a start would have, or why it would be refused. */
  start(): Promise<StartedApplication | { readonly refusal: SettingsError }>;
}

export interface StartedApplication {
  readonly modules: readonly DynamicModule[];
  readonly settings: Settings;
}

export interface CliContext {
  readonly version: string;
  readonly output: Output;
  /** Variables of this process, without those of a `.env` file. */
  readonly environment: Environment;
  /** Imported when a command needs it: the container takes half a second that `--help` should not. */
  readonly application: () => Promise<Application>;
}

/** The call itself is wrong: an unknown purpose, an impossible version. The usage is shown with it. */
export class UsageError extends Error {}

/** A command ends with the code that the process exits with. */
export type ExitCode = number;

/** What a load test is there to find out, so none of the codes for mistakes. */
export const THRESHOLD_MISSED: ExitCode = 1;
