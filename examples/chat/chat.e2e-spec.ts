import type { LoggerService } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { AppModule } from '../../src/app.module.js';
import { createHttpApp } from '../../src/app.setup.js';
import { StreamClients } from '../../test/support/event-stream.js';
import { describeReal } from '../../test/support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../../test/support/redis-server.js';
import { waitFor } from '../../test/support/wait-for.js';
import { features } from './chat.features.js';

/** The whole application with this feature in it, on two real servers: that of the limits, and that of the feature. */
describeReal('The chat example', () => {
  let limits: RedisServer;
  let embeddings: RedisServer;
  let app: NestFastifyApplication;
  let origin: string;
  const clients = new StreamClients();
  const errors: string[] = [];

  beforeAll(async () => {
    [limits, embeddings] = await Promise.all([startRedisServer(), startRedisServer()]);
    const env = {
      APP_PROFILE: 'test',
      LOG_LEVEL: 'fatal',
      RATE_LIMIT_REDIS_URL: limits.url(),
      EMBEDDINGS_REDIS_URL: embeddings.url(),
      // A busy machine is not what is tested here.
      RATE_LIMIT_REDIS_COMMAND_MS: '2000',
      // So that a test can have an address of its own.
      TRUST_PROXY: '1',
    };
    app = await createHttpApp(AppModule.register({ env, ...features }), { logger: noting(errors) });
    await app.listen(0, '127.0.0.1');
    origin = `${await app.getUrl()}/v1/chat`;
  });
  afterAll(async () => {
    await app.close();
    await Promise.all([limits.stop(), embeddings.stop()]);
  });
  beforeEach(() => limits.admin().flushall());
  afterEach(async () => {
    clients.closeAll();
    await waitFor(async () => (await leases()) === 0, { what: 'every stream to be closed' });
  });

  const as = (user: string) => ({ 'x-chat-user': user, 'x-chat-tenant': 'acme' });
  const open = (path: string, user: string) => clients.open(`${origin}/${path}`, as(user));
  const post = (path: string, text: string, user = 'ann') =>
    fetch(`${origin}/${path}`, {
      method: 'POST',
      headers: { ...as(user), 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
    });
  const leases = async () => {
    const keys = await limits.admin().keys('rl:{g}:c:*');
    return (await Promise.all(keys.map((key) => limits.admin().zcard(key)))).reduce((sum, n) => sum + n, 0);
  };
  const readiness = async () => {
    const paths = ['/readyz', '/readyz/embeddings', '/readyz/rateLimit'];
    const answers = paths.map((path) => fetch(new URL(path, origin)));
    return (await Promise.all(answers)).map(({ status }) => status);
  };

  it('opens streams up to the quota, refuses one more, and opens it when one was closed', async () => {
    const streams = await Promise.all(Array.from({ length: 5 }, () => open('stream', 'ann')));
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(streams[0]?.headers['content-type']).toContain('text/event-stream');
    expect(streams[0]?.headers['ratelimit-policy']).toContain('"chat-tenant";q=50;qu="concurrent-requests"');

    const denied = await open('stream', 'ann');
    expect(denied.status).toBe(429);
    expect(denied.headers).toMatchObject({
      'content-type': expect.stringContaining('application/problem+json') as string,
      'ratelimit-policy':
        '"chat-tenant";q=50;qu="concurrent-requests", "chat-user";q=5;qu="concurrent-requests"',
      ratelimit: '"chat-user";r=0',
      'retry-after': expect.stringMatching(/^[1-9]\d?$/) as string,
    });
    expect(await denied.problem()).toMatchObject({
      type: '/problems/quota-exceeded',
      'violated-policies': ['chat-user'],
    });
    expect((await open('stream', 'bob')).status).toBe(200);

    streams[0]?.close();
    // Five of ann's and one of bob's, each under user and tenant.
    await waitFor(async () => (await leases()) === 10, { what: 'the place to be freed' });
    expect((await open('stream', 'ann')).status).toBe(200);
    expect((await open('stream', 'ann')).status).toBe(429);
  });

  it('tells everybody who reads along what was said, and limits how often somebody may say something', async () => {
    const [ann, bob] = await Promise.all([open('stream', 'ann'), open('stream', 'bob')]);
    const statuses = [];
    for (let n = 0; n < 11; n += 1) statuses.push((await post('messages', `message ${n}`)).status);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 202), 429]);
    expect(await (await post('messages', 'one more')).json()).toMatchObject({
      'violated-policies': ['chat-message-user'],
    });
    expect((await post('messages', 'hello', 'bob')).status).toBe(202);
    for (const stream of [ann, bob]) {
      await waitFor(() => stream.text().includes('"from":"bob","text":"hello"'), { what: 'what bob said' });
      expect(stream.text()).toContain('message 9');
      expect(stream.text()).not.toContain('message 10');
    }
  });

  it('limits who does not say who he is, or says something else each time, by his address', async () => {
    const say = (headers: Record<string, string>) =>
      fetch(`${origin}/messages`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', 'x-forwarded-for': '192.0.2.1' },
        body: JSON.stringify({ text: 'hello' }),
      });
    const names = Array.from({ length: 55 }, (_, n): Record<string, string> =>
      n % 2 ? { 'x-chat-user': `u${n}` } : {},
    );
    const denied = (await Promise.all(names.map(say))).filter(({ status }) => status === 429);
    expect(denied.length).toBeGreaterThan(0);
    expect(await denied[0]?.json()).toMatchObject({ 'violated-policies': ['chat-message-ip'] });
  });

  it('has a quota of its own for transcripts, which end by themselves', async () => {
    await post('messages', 'for the record', 'eve');
    for (let n = 0; n < 3; n += 1) {
      const { status, text } = await open('transcript', 'cid');
      expect(status).toBe(200);
      await waitFor(async () => (await leases()) === 0, { what: 'the transcript to end' });
      expect(text()).toContain('{"from":"eve","text":"for the record"}');
    }
  });

  it('keeps its vectors in a compartment of its own', async () => {
    expect((await post('documents', 'a document')).status).toBe(202);
    const vector = async () =>
      (await fetch(`${origin}/vectors?text=a%20document`)).json() as Promise<{ vector: string | null }>;
    await waitFor(async () => (await vector()).vector !== null, { what: 'the vector' });
    expect(await embeddings.admin().get('emb:made')).toBe('1');
    for (const key of await embeddings.admin().keys('*'))
      expect([key, (await embeddings.admin().ttl(key)) > 0]).toEqual([key, true]);
    expect((await embeddings.admin().keys('*')).every((key) => key.startsWith('emb:'))).toBe(true);
    expect((await limits.admin().keys('*')).every((key) => key.startsWith('rl:'))).toBe(true);
  });

  it('gives a text up that cannot be kept, says so, and goes on with the next one', async () => {
    await embeddings.admin().flushall();
    await post('documents', 'known', 'fay');
    const keys = () => embeddings.admin().keys('emb:v:*');
    await waitFor(async () => (await keys()).length === 1, { what: 'the vector' });
    const known = (await keys()).join();
    await embeddings.admin().set(known, 'of an older model');
    // What is said for the first time is counted, and that is no number any more.
    await embeddings.admin().set('emb:made', 'no number');

    await post('documents', 'never kept', 'fay');
    await post('documents', 'known', 'fay');
    const renewed = async () => (await embeddings.admin().get(known)) !== 'of an older model';
    await waitFor(renewed, { what: 'the next text to be kept', timeoutMs: 15_000 });
    expect(errors).toEqual([
      expect.stringMatching(/^A text was given up after 3 tries: .*incr on embeddings failed/),
    ]);
    expect(errors.join()).not.toContain('never kept');
    await embeddings.admin().del('emb:made');
  });

  it('goes on chatting while its compartment is away, turns documents away when too many wait, and catches up', async () => {
    const reader = await open('stream', 'ann');
    await embeddings.kill9();
    await waitFor(async () => (await readiness()).join() === '200,503,200', { what: 'the loss to be seen' });

    // All at once, so that the door has not read yet how many wait.
    const burst = Array.from({ length: 30 }, (_, n) => post('documents', `waiting ${n}`, `user-${n}`));
    const statuses = (await Promise.all(burst)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 202)).toHaveLength(21);
    expect(statuses.filter((status) => status === 503)).toHaveLength(9);
    const refused = async () => (await post('documents', 'too much', 'dan')).status === 503;
    await waitFor(refused, { what: 'documents to be turned away', intervalMs: 200 });
    const answer = await post('documents', 'too much', 'dan');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await answer.json()).toMatchObject({ type: '/problems/temporary-reduced-capacity' });

    expect((await post('messages', 'still here', 'bob')).status).toBe(202);
    await waitFor(() => reader.text().includes('still here'), { what: 'the message' });
    expect((await open('stream', 'ann')).status).toBe(200);

    await embeddings.start();
    const made = async () => Number(await embeddings.admin().get('emb:made')) >= 20;
    await waitFor(made, { what: 'the worker to catch up', timeoutMs: 15_000 });
    const taken = async () => (await post('documents', 'again', 'eve')).status === 202;
    await waitFor(taken, { what: 'documents to be taken in', intervalMs: 200 });
  });
});

/** Keeps what is logged as an error. */
function noting(errors: string[]): LoggerService {
  const silent = (): void => undefined;
  return { log: silent, warn: silent, error: (message: unknown) => errors.push(String(message)) };
}
