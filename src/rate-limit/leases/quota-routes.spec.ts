import { Controller, Get, type Type, UseGuards } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import type { ExtractorTable } from '../http/extractors.js';
import { RouteLimitError } from '../http/route-faults.js';
import { PolicyBook } from '../policies/plan.js';
import { POLICIES } from '../policies/policies.js';
import type { Dimension, PolicyTable } from '../policies/policy.js';
import { compileQuotas } from './compiled-quota.js';
import { checkQuotaRoutes } from './quota-routes.js';
import { StreamQuota } from './stream-quota.decorator.js';
import { StreamQuotaGuard } from './stream-quota.guard.js';
import type { StreamQuotaTable } from './stream-quota.js';
import { StreamQuotaError } from './stream-quota-rules.js';
import { STREAM_QUOTAS, type StreamQuotaName } from './stream-quotas.table.js';

/** Names that a compiler cannot know. */
const dynamic = (name: string): StreamQuotaName => name as StreamQuotaName;
const unheardOf = (name: string): Dimension => name as Dimension;
const TOLD = { known: 'arrival', of: () => 'somebody' } as const;

@Controller('v1/chat')
@StreamQuota('chat')
class ChatController {
  @Get()
  stream(): void {}
}

@Controller('v1/own')
class OwnController {
  @Get()
  @StreamQuota(dynamic('own'))
  stream(): void {}
  @Get('plain')
  plain(): void {}
}

interface Given {
  readonly policies?: PolicyTable;
  readonly quotas?: StreamQuotaTable;
  readonly extractors?: ExtractorTable;
}

async function check(controller: Type, { policies, quotas: more, extractors }: Given = {}) {
  const testing = Test.createTestingModule({ controllers: [controller] });
  // It never runs here.
  const module = await testing.overrideGuard(StreamQuotaGuard).useValue({}).compile();
  const book = new PolicyBook({ ...POLICIES, ...policies });
  const quotas = compileQuotas({ ...STREAM_QUOTAS, ...more }, (name) => book.has(name));
  return checkQuotaRoutes({ quotas, book, extractors, modules: module.get(ModulesContainer) });
}

const own = (...dimensions: string[]) => ({
  own: { concurrent: dimensions.map((name) => ({ per: unheardOf(name), streams: 1 })) },
});

describe('stream quotas of routes', () => {
  it('refuse the start where nobody knows them', async () => {
    await expect(check(OwnController)).rejects.toThrow(
      new StreamQuotaError(['@StreamQuota on OwnController.stream: there is no stream quota "own"']),
    );
  });

  it('refuse it where no extractor tells whom they count, or whom they leave alone', async () => {
    const device = { per: unheardOf('device'), streams: 1, unless: unheardOf('house') };
    const quotas = { own: { concurrent: [{ per: 'ip', streams: 1 } as const, device] } };
    const fault = (dimension: string) =>
      `@StreamQuota on OwnController.stream: stream quota "own" counts by ${dimension}, which no extractor tells; ` +
      `name one in src/app.features.ts: rateLimit: { extractors: { ${dimension}: … } }`;
    await expect(check(OwnController, { quotas })).rejects.toThrow(
      new StreamQuotaError([fault('device'), fault('house')]),
    );
    const extractors = Object.fromEntries([
      ['device', TOLD],
      ['house', TOLD],
    ]);
    expect(await check(OwnController, { quotas, extractors })).toEqual([]);
    expect(await check(ChatController, { quotas, extractors: { user: TOLD, tenant: TOLD } })).toEqual([]);
  });

  it('refuse it where all their limits would apply to nobody, so that every stream were an error', async () => {
    await expect(check(OwnController, { quotas: own('user', 'tenant') })).rejects.toThrow(
      '"own" counts nobody, for no extractor tells the user, tenant of a request',
    );
    expect(await check(OwnController, { quotas: own('user'), extractors: { user: TOLD } })).toEqual([]);
    expect(await check(OwnController, { quotas: own('route', 'global') })).toEqual([]);
  });

  it('say which of their limits apply to nobody', async () => {
    expect(await check(ChatController)).toEqual([
      'ChatController.stream: limit "chat-tenant" applies to nobody, for nothing tells the tenant of a request',
      'ChatController.stream: limit "chat-user" applies to nobody, for nothing tells the user of a request',
    ]);
  });

  it('are held to the same with their policy for opening streams', async () => {
    const connects = (per: string) => ({
      policies: {
        'stream-connect': { limits: [{ per: unheardOf(per), quota: 1, windowMs: 1000, burst: 1 }] },
      },
    });
    await expect(
      check(ChatController, { ...connects('device'), extractors: { user: TOLD, tenant: TOLD } }),
    ).rejects.toThrow(
      new RouteLimitError([
        'ChatController.stream: policy "stream-connect" counts by device, which no extractor tells; ' +
          'name one in src/app.features.ts: rateLimit: { extractors: { device: … } }',
      ]),
    );
    expect(
      await check(ChatController, { ...connects('account'), extractors: { user: TOLD, tenant: TOLD } }),
    ).toEqual([
      'ChatController.stream: limit "stream-connect" applies to nobody, for nothing tells the account of a request',
    ]);
  });

  it('say where they stand before the guard that could tell whom they count', async () => {
    class Access {
      canActivate(): boolean {
        return true;
      }
    }
    @Controller('v1/streams')
    class StreamsController {
      @Get('below')
      @UseGuards(Access)
      @StreamQuota('chat')
      below(): void {}
      @Get('above')
      @StreamQuota('chat')
      @UseGuards(Access)
      above(): void {}
    }
    const told = { known: 'identity', of: () => 'somebody' } as const;
    expect(await check(StreamsController, { extractors: { user: told, tenant: told } })).toEqual([
      'StreamsController.below: stream quota "chat" counts by tenant, user before Access can tell it, so it counts as if ' +
        'nobody were known; put @StreamQuota above the decorator that names Access',
    ]);
    expect(await check(StreamsController, { extractors: { user: TOLD, tenant: TOLD } })).toEqual([]);
  });
});
