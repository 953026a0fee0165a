import { createHash, timingSafeEqual } from 'node:crypto';
import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
  UseGuards,
  applyDecorators,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Settings } from '../config/index.js';
import { AppError } from '../kernel/errors.js';
import { HttpSettings } from './http.config.js';
import { isRepeated } from './repeated-header.js';

export class OpsTokenRequiredError extends AppError {
  readonly code = 'OPS_TOKEN_REQUIRED';
  readonly status = 401;
  readonly slug = 'ops-token-required';
  readonly title = 'Operators only';

  constructor() {
    super('Send the OPS_TOKEN as a bearer token.');
  }

  override get headers(): Record<string, string> {
    return { 'www-authenticate': 'Bearer realm="ops"' };
  }
}

/** Whether a request comes from an operator. Open in demo and development as long as no OPS_TOKEN is set. */
@Injectable()
export class OpsAccess {
  private readonly digest: Buffer | undefined;
  private readonly open: boolean;

  constructor(http: HttpSettings, settings: Settings) {
    this.digest = http.opsToken && sha256(http.opsToken.reveal());
    const { profile } = settings;
    this.open = !this.digest && (profile === 'demo' || profile === 'development');
  }

  /** Not where there are two Authorization headers: which one somebody in front of us has looked at is not known. */
  allows({ headers, raw }: Pick<FastifyRequest, 'headers' | 'raw'>): boolean {
    if (this.open) return true;
    if (isRepeated(raw.rawHeaders, 'authorization')) return false;
    const given = /^bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
    // Digests have one length, so the comparison takes the same time whatever was sent.
    return given !== undefined && this.digest !== undefined && timingSafeEqual(sha256(given), this.digest);
  }
}

@Injectable()
export class OpsGuard implements CanActivate {
  constructor(private readonly access: OpsAccess) {}

  canActivate(context: ExecutionContext): boolean {
    if (this.access.allows(context.switchToHttp().getRequest<FastifyRequest>())) return true;
    throw new OpsTokenRequiredError();
  }
}

/** For endpoints that describe the system itself. The module of the controller imports HttpModule. */
export const OpsOnly = (): ClassDecorator & MethodDecorator => applyDecorators(UseGuards(OpsGuard));

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
