/** The network in front of the affected server, in a process of its own. */
import { type TcpProxy, startTcpProxy } from '../../test/support/tcp-proxy.js';
import { serve } from '../helper.js';

export type LinkOrder =
  | { readonly open: number }
  | { readonly set: 'pass' | 'refuse' | 'blackHole' | 'flap' }
  | { readonly close: true };

/** A link that flaps is cut this often. */
const FLAP_MS = 60;

let proxy: TcpProxy | undefined;
let flapping: NodeJS.Timeout | undefined;

serve<LinkOrder>(async (order) => {
  clearInterval(flapping);
  if ('open' in order) {
    proxy = await startTcpProxy({ targetPort: order.open });
    return proxy.port;
  }
  const link = proxy;
  if (!link) throw new Error('no link is open');
  if ('close' in order) await link.stop();
  else if (order.set === 'flap') flapping = setInterval(() => link.resetAll(), FLAP_MS);
  else await link[order.set]();
  return undefined;
});
