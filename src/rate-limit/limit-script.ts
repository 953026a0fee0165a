import { LuaScript } from '../redis/index.js';

export interface LimitScriptOptions<Reply> {
  readonly decode: (reply: unknown) => Reply;
  /** As LuaScript has it. */
  readonly binary?: boolean;
}

/** One of the scripts of this folder, by its name without the `.lua`. */
export function limitScript<Reply>(name: string, options: LimitScriptOptions<Reply>): LuaScript<Reply> {
  return new LuaScript({ ...options, name, file: new URL(`./scripts/${name}.lua`, import.meta.url) });
}
