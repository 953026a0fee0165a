import { LuaScript } from '../../redis/index.js';

const texts = (reply: unknown): readonly string[] => {
  if (!Array.isArray(reply) || !reply.every((one) => typeof one === 'string'))
    throw new TypeError('not a list of texts');
  return reply as string[];
};

const flag = (reply: unknown): boolean => {
  if (reply !== 0 && reply !== 1) throw new TypeError('neither 0 nor 1');
  return reply === 1;
};

const script = <Reply>(name: string, decode: (reply: unknown) => Reply): LuaScript<Reply> =>
  new LuaScript({ name, file: new URL(`../scripts/${name}.lua`, import.meta.url), decode });

export const startFamily = script('start-family', texts);
export const rotateFamily = script('rotate-family', texts);
export const familyOwner = script('family-owner', texts);
export const confirmFamily = script('confirm-family', flag);
export const tellFamily = script('tell-family', flag);
