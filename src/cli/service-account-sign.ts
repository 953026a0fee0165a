import { type KeyObject, createPrivateKey } from 'node:crypto';
import { type ReadyRequest, signTokenRequest } from '../auth/service-accounts/sign-request.js';
import { UnfitFile, readBounded } from '../config/index.js';
import { EXIT } from '../kernel/errors.js';
import { type ExitCode, UsageError } from './cli-context.js';
import type { Output } from './output.js';

/** Long enough to be pasted, short enough that the clock of the server may be off. */
const LIFE_MS = 300_000;
const TIMEOUT_MS = 10_000;
const MOST_KEY_BYTES = 16 * 1024;
const MOST_ANSWER_BYTES = 64 * 1024;
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

export interface SignRequest {
  readonly account: string;
  readonly tenant: string;
  readonly keyFile: string;
  readonly scopes: readonly string[];
  readonly url: string;
  readonly lifetimeMinutes: string;
  readonly send: boolean;
}

/** @throws UsageError where the key cannot be read, or an option is none */
export async function signForToken(request: SignRequest, output: Output): Promise<ExitCode> {
  const { account, tenant, keyFile, scopes, url, lifetimeMinutes, send } = request;
  const origin = originOf(url);
  if (send) assertPrivate(origin);
  if (!/^(?:[1-9]|[1-5]\d|60)$/.test(lifetimeMinutes))
    throw new UsageError('--lifetime-minutes must be a whole number from 1 to 60');
  if (scopes.some((scope) => scope === ''))
    throw new UsageError('--scopes must be scopes such as billing:read');
  const wish = { account, tenant_id: tenant, scopes, lifetime_minutes: Number(lifetimeMinutes) };
  const ready = signTokenRequest(origin, wish, privateKeyIn(keyFile), { nowMs: Date.now(), lifeMs: LIFE_MS });
  if (send) return await perform(ready, output);
  output.out(JSON.stringify(ready, null, 2));
  return EXIT.ok;
}

async function perform({ url, method, headers, body }: ReadyRequest, output: Output): Promise<ExitCode> {
  let answer: { readonly ok: boolean; readonly text: string };
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, { method, headers, body, signal, redirect: 'manual' });
    answer = { ok: response.status === 201, text: (await response.text()).slice(0, MOST_ANSWER_BYTES) };
  } catch {
    output.err(`There was no answer of ${url} within ${TIMEOUT_MS / 1000} seconds.`);
    return EXIT.unavailable;
  }
  if (answer.ok) output.out(answer.text);
  else output.err(`The request was refused: ${answer.text}`);
  return answer.ok ? EXIT.ok : EXIT.unavailable;
}

function originOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url;
  throw new UsageError('--url must be scheme, host and port only, such as https://app.example.com');
}

/** Whoever reads the answer on its way has the token. */
function assertPrivate({ protocol, hostname }: URL): void {
  if (protocol === 'https:' || LOOPBACK.test(hostname)) return;
  throw new UsageError('--send goes over https, or to this machine');
}

function privateKeyIn(path: string): KeyObject {
  let pem: Buffer;
  try {
    pem = readBounded(path, MOST_KEY_BYTES);
  } catch (error) {
    const code = error instanceof UnfitFile ? error.message : (error as NodeJS.ErrnoException).code;
    throw new UsageError(
      `--key-file cannot be read (${code ?? 'unknown cause'}): give the path of a PEM file`,
    );
  }
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // The words of the library quote what it read.
  }
  if (pem.includes('PUBLIC KEY'))
    throw new UsageError(
      '--key-file holds a public key; give the file of the private key that belongs to it',
    );
  throw new UsageError(
    '--key-file must hold an Ed25519 private key (PKCS #8 PEM); make one with: openssl genpkey -algorithm ed25519',
  );
}
