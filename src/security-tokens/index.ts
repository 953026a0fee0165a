export type { Claim } from './claim.js';
export { NonceStore, type RequestWindow } from './nonce-store.js';
export { type IssuedToken, OneTimeTokens, type TokenOrder } from './one-time-tokens.js';
export {
  ReplayStateLostError,
  ReplayedNonceError,
  StaleRequestError,
  TokenInUseError,
  TokenInvalidError,
} from './security-token.errors.js';
export { SecurityTokensModule } from './security-tokens.module.js';
export { TOKEN_KINDS, type TokenKind } from './token-kinds.js';
export { UnsubscribeTokens, type UnsubscribeOrder } from './unsubscribe-tokens.js';
