import { IsIn, IsOptional } from 'class-validator';
import { EnvVariable, Settings } from '../config/index.js';

export class ConsoleSettings {
  static readonly title = 'Console';

  @EnvVariable('CONSOLE', {
    doc: 'on or off: the page /console, whose figures are for operators; unset: off in staging and production, on elsewhere',
  })
  @IsOptional()
  @IsIn(['on', 'off'])
  console?: 'on' | 'off';
}

export function servesConsole({ console }: ConsoleSettings, { profile }: Pick<Settings, 'profile'>): boolean {
  const local = profile !== 'staging' && profile !== 'production';
  return console === undefined ? local : console === 'on';
}
