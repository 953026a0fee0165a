import { Inject, Injectable } from '@nestjs/common';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ForbiddenError } from '../../access/index.js';
import { PublicUrlSettings, isOwnOrigin } from '../../config/index.js';
import { ROLES } from '../../identity/index.js';
import { KeyRing } from '../../kernel/key-ring.js';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import { BillingStreamSettings } from './stream.config.js';
import type { StreamIdentity } from './stream-identity.js';

const NAME = 'billing-stream';
const CONTEXT = 'billing-stream-cookie';
const PATH = '/v1/billing/stream';
/** Renewed whenever the stream is opened, which is every ten minutes. */
const LIFE_MS = 3_600_000;
/** Ours have about 400 characters. */
const LONGEST = 1024;

/** What a browser shows that cannot send an access token with its EventSource. */
export interface StreamPass extends StreamIdentity {
  /** The session ends then, however much it is used, milliseconds since the epoch. */
  readonly sessionEndsAtMs: number;
}

/**
 * The cookie that opens a stream in a browser, and nothing else: no script reads it, it goes to the stream only, no other
 * site can make a browser send it, and its content is sealed. Whether its session still lives is asked each time.
 */
@Injectable()
export class StreamCookie {
  private readonly ring: KeyRing;
  private readonly own: URL;
  private readonly secure: boolean;

  constructor(
    { cookieKeys }: BillingStreamSettings,
    { publicUrl }: PublicUrlSettings,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.ring = new KeyRing(cookieKeys);
    this.own = publicUrl;
    this.secure = publicUrl.protocol === 'https:';
  }

  /** Browsers refuse the prefix without TLS. */
  private get name(): string {
    return this.secure ? `__Secure-${NAME}` : NAME;
  }

  /**
   * @returns undefined where there is none that holds now, or more than one: which is ours cannot be told
   * @throws ForbiddenError where there is one and the request comes from elsewhere
   */
  read({ headers }: FastifyRequest): StreamPass | undefined {
    const { cookie = '' } = headers;
    const ours = cookie.split(';').filter((pair) => pair.trim().startsWith(`${this.name}=`));
    if (ours.length !== 1) return undefined;
    this.assertOurPage(headers);
    const sealed = parseCookie(cookie)[this.name] ?? '';
    const pass = sealed.length > LONGEST ? undefined : readPass(this.ring.open(CONTEXT, sealed));
    return pass && this.holds(pass) ? pass : undefined;
  }

  /** Whether it is not over yet. */
  holds({ endsAtMs }: StreamPass): boolean {
    return endsAtMs > this.clock.nowMs();
  }

  /** For a POST, with which browsers always send Origin. @throws ForbiddenError for any other origin, and for none */
  assertOrigin({ headers }: FastifyRequest): void {
    if (!isOwnOrigin(this.own, headers.origin ?? '')) throw new ForbiddenError(FROM_ELSEWHERE);
  }

  /** As of now: for an hour, and not beyond the end of the session. */
  renewed(pass: StreamPass): StreamPass {
    return { ...pass, endsAtMs: Math.min(this.clock.nowMs() + LIFE_MS, pass.sessionEndsAtMs) };
  }

  write(reply: FastifyReply, pass: StreamPass): void {
    const maxAge = Math.max(1, Math.floor((pass.endsAtMs - this.clock.nowMs()) / 1000));
    const value = this.ring.seal(CONTEXT, writePass(pass));
    void reply.header(
      'set-cookie',
      stringifySetCookie({
        name: this.name,
        value,
        maxAge,
        path: PATH,
        httpOnly: true,
        secure: this.secure,
        sameSite: 'strict',
      }),
    );
  }

  /** A GET of our own page brings no Origin; what browsers say beside it must not name another site. */
  private assertOurPage(headers: FastifyRequest['headers']): void {
    const { origin = this.own.origin, 'sec-fetch-site': site = 'same-origin' } = headers;
    if (!isOwnOrigin(this.own, origin) || !['same-origin', 'none'].includes(String(site)))
      throw new ForbiddenError(FROM_ELSEWHERE);
  }
}

const FROM_ELSEWHERE = 'The request does not come from a page of this service.';

function writePass(pass: StreamPass): string {
  const { userId, tenantId, role, sessionId, epoch, endsAtMs, sessionEndsAtMs } = pass;
  return [userId, tenantId, role, sessionId, epoch, endsAtMs, sessionEndsAtMs].join(' ');
}

/** Sealed by us, so only its form may be an older one. */
function readPass(text: string | undefined): StreamPass | undefined {
  const [userId, tenantId, roleName, sessionId, ...numbers] = text?.split(' ') ?? [];
  const role = ROLES.find((one) => one === roleName);
  const [epoch, endsAtMs, sessionEndsAtMs] = numbers.map(Number);
  if (!userId || !tenantId || !role || !sessionId || !epoch || !endsAtMs || !sessionEndsAtMs)
    return undefined;
  return { userId, tenantId, role, sessionId, epoch, endsAtMs, sessionEndsAtMs };
}
