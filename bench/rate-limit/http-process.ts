/** One application in a process of its own. */
import { serve } from '../helper.js';
import { VARIANTS } from './http-variants.js';

export interface HttpOrder {
  readonly open: string;
  readonly redisUrl: string;
}

serve<HttpOrder>(async ({ open, redisUrl }) => {
  const variant = VARIANTS[open];
  if (!variant) throw new Error(`There is no variant ${open}`);
  const app = await variant.open(redisUrl);
  await app.listen(0, '127.0.0.1');
  return new URL(await app.getUrl()).port;
});
