/** Another instance of the application, which floods one purpose. */
import type { Environment } from '../../src/config/index.js';
import { type Compartments, openCompartments } from '../../test/support/compartments.js';
import { Flood, type FloodOptions } from './flood.js';
import { serve } from '../helper.js';

export type FloodOrder =
  | { readonly open: Environment; readonly purpose: FloodOptions['purpose'] }
  | { readonly flood: FloodOptions }
  | { readonly end: true };

let core: Compartments | undefined;
let flood: Flood | undefined;

serve<FloodOrder>(async (order) => {
  if ('open' in order) {
    await core?.close();
    core = await openCompartments([order.purpose], order.open);
  } else if ('flood' in order) {
    if (!core) throw new Error('nothing is open');
    flood = new Flood(core, order.flood);
  } else {
    await flood?.stop();
  }
  return undefined;
});
