import { Controller, Get, type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AMPLE, SCARCE } from './contestant.js';

/** One application that answers `GET /v1/bench`. */
export interface HttpVariant {
  readonly title: string;
  /** Whether nearly all of its answers are denials. */
  readonly denied?: boolean;
  /** What it is compared with: the same without a limiter; for denials also the same with a limit that is ample. */
  readonly base: string;
  readonly allowedTwin?: string;
  /** @param redisUrl of the server of all variants; their keys differ @returns the application, not listening yet */
  readonly open: (redisUrl: string) => Promise<NestFastifyApplication>;
}

export const PATH = '/v1/bench';

/** What a client may ask, and what it may ask where denials are to be measured. */
export const limitOf = (denied: boolean): typeof AMPLE | typeof SCARCE => (denied ? SCARCE : AMPLE);

@Controller(PATH)
export class BenchController {
  @Get()
  answer() {
    return { ok: true };
  }
}

@Module({ controllers: [BenchController] })
class BareModule {}

/** An application with that one route and nothing else, and what `module` adds to it. */
export async function bareApp(module: Partial<DynamicModule> = {}): Promise<NestFastifyApplication> {
  const root = { module: BareModule, ...module };
  return NestFactory.create<NestFastifyApplication>(root, new FastifyAdapter(), {
    logger: false,
    abortOnError: false,
  });
}

export const BARE_VARIANTS = {
  bare: { title: 'Nest-Fastify, bare', base: 'bare', open: () => bareApp() },
} as const satisfies Record<string, HttpVariant>;
