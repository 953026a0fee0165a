import type { AccessPart, IssuedTokens } from './token-issuer.js';

/** RFC 6749 §5.1, without the refresh token. */
export function accessAnswer({ accessToken, expiresInSeconds, tenantId }: AccessPart) {
  return {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: expiresInSeconds,
    tenant_id: tenantId,
  };
}

/** @param inCookie the refresh token is not in the body */
export function tokenAnswer(tokens: IssuedTokens, { nowMs, inCookie }: { nowMs: number; inCookie: boolean }) {
  const { refreshToken, refreshEndsAtMs, sessionId, deviceToken } = tokens;
  return {
    ...accessAnswer(tokens),
    ...(inCookie ? {} : { refresh_token: refreshToken }),
    refresh_expires_in: Math.max(0, Math.floor((refreshEndsAtMs - nowMs) / 1000)),
    session_id: sessionId,
    ...(deviceToken === undefined ? {} : { device_token: deviceToken }),
  };
}
