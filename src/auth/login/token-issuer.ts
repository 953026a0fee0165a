import { Injectable } from '@nestjs/common';
import { AccessTokens, Sessions } from '../../access/index.js';
import type { Grant } from '../../identity/index.js';
import { KnownDevices } from '../devices/known-devices.js';
import { RefreshFamilies } from '../refresh/refresh-families.js';
import { scopesOf } from '../scopes.js';
import type { Client } from './client.js';

export interface AccessPart {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly tenantId: string;
}

/** What a client gets to show and to refresh with. */
export interface IssuedTokens extends AccessPart {
  readonly userId: string;
  readonly sessionId: string;
  readonly refreshToken: string;
  readonly familyId: string;
  /** Unless it is used before; milliseconds since the epoch. */
  readonly refreshEndsAtMs: number;
  /** For the next login from this device; a refresh has none. */
  readonly deviceToken?: string;
}

export interface NewLogin {
  readonly client: Client;
  /** Authentication methods (RFC 8176). */
  readonly amr: readonly string[];
  /** What the device showed. */
  readonly deviceToken: string | undefined;
}

/** Begins sessions, and makes the access tokens of those that go on. */
@Injectable()
export class TokenIssuer {
  constructor(
    private readonly sessions: Sessions,
    private readonly families: RefreshFamilies,
    private readonly devices: KnownDevices,
    private readonly tokens: AccessTokens,
  ) {}

  /** @throws RedisUnavailableError; a session may have begun that nobody has a token of */
  async begin(grant: Grant, { client, amr, deviceToken }: NewLogin): Promise<IssuedTokens> {
    const { id: userId, tokenEpoch: epoch } = grant.user;
    const familyId = this.families.newId();
    const { sessionId, endsAtMs } = await this.sessions.create({ ...client, userId, familyId, amr, epoch });
    const [family, device, access] = await Promise.all([
      this.families.start({ familyId, userId, sessionId, endsAtMs }),
      this.devices.remember(grant.user, deviceToken),
      this.access(grant, sessionId),
    ]);
    const refresh = { refreshToken: family.token, familyId, refreshEndsAtMs: family.idleEndsAtMs };
    return { ...access, ...refresh, userId, sessionId, deviceToken: device.token };
  }

  /** @param generation of the refresh token that it is handed out with, or that its predecessor was */
  async access(grant: Grant, sessionId: string, generation?: number): Promise<AccessPart> {
    const { user, tenantId, role } = grant;
    const { token, expiresInSeconds } = await this.tokens.issue({
      userId: user.id,
      tenantId,
      role,
      scopes: scopesOf(grant),
      sessionId,
      epoch: user.tokenEpoch,
      ...(generation === undefined ? {} : { generation }),
    });
    return { accessToken: token, expiresInSeconds, tenantId };
  }
}
