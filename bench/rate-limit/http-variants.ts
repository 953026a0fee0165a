import { OUR_VARIANTS } from './ours-http.js';
import { PEER_VARIANTS } from './http-peers.js';
import { BARE_VARIANTS, type HttpVariant } from './http-variant.js';

/** All applications, in the order of the report. */
export const VARIANTS: Readonly<Record<string, HttpVariant>> = {
  ...BARE_VARIANTS,
  ...OUR_VARIANTS,
  ...PEER_VARIANTS,
};
