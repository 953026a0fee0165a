import { type KeyObject, generateKeyPairSync, sign, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const VAULT_TOKEN = 'vault-token-canary-2f1d';
export const TRANSIT_KEY = 'service-accounts';

export type VaultMood =
  | 'well'
  | 'hangs'
  | 'hangs-in-the-body'
  | 'refuses'
  | 'fails'
  | 'redirects'
  | 'talks-html'
  | 'floods'
  | 'drops';

/** What Vault Transit does with `POST /v1/transit/verify/<key>`, and what it does when it is not well. */
export class VaultFake {
  mood: VaultMood = 'well';
  /** Verify calls so far. */
  asked = 0;
  /** Requests to where a redirect points. */
  followed = 0;
  private readonly keys = generateKeyPairSync('ed25519');
  private readonly folder = mkdtempSync(join(tmpdir(), 'vault-'));

  private constructor(private readonly server: Server) {
    server.on('request', (request, response) => void this.answer(request, response));
    writeFileSync(this.tokenFile, `${VAULT_TOKEN}\n`, { mode: 0o600 });
  }

  static async start(): Promise<VaultFake> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new VaultFake(server);
  }

  get tokenFile(): string {
    return join(this.folder, 'token');
  }

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as { port: number }).port}`;
  }

  /** As `vault write transit/sign/<key>`: by Vault's key, not by one of the account. */
  sign(message: Buffer, key: KeyObject = this.keys.privateKey): string {
    return `vault:v1:${sign(null, message, key).toString('base64')}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
    rmSync(this.folder, { recursive: true });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.url === '/elsewhere') this.followed += 1;
    else this.asked += 1;
    const json = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    switch (this.mood) {
      case 'hangs':
        return;
      case 'hangs-in-the-body':
        return void response.writeHead(200, { 'content-type': 'application/json' }).write('{"data":');
      case 'refuses':
        return json(403, { errors: ['permission denied'] });
      case 'fails':
        return json(500, { errors: ['internal error'] });
      case 'redirects':
        return void response.writeHead(307, { location: `${this.address}/elsewhere` }).end();
      case 'talks-html':
        return void response.writeHead(200).end('<html>{"data":{"valid":true}}</html>');
      case 'floods':
        return void response.writeHead(200).end(`{"data":{"valid":true},"x":"${'x'.repeat(1_000_000)}"}`);
      case 'drops':
        return void request.socket.destroy();
      case 'well':
        return this.verify(request, Buffer.concat(chunks), json);
    }
  }

  private verify(
    request: IncomingMessage,
    body: Buffer,
    json: (status: number, body: unknown) => void,
  ): void {
    const known = request.url === `/v1/transit/verify/${TRANSIT_KEY}` && request.method === 'POST';
    if (!known) return json(404, { errors: [] });
    if (request.headers['x-vault-token'] !== VAULT_TOKEN) return json(403, { errors: ['permission denied'] });
    const { input, signature } = JSON.parse(body.toString()) as { input: string; signature: string };
    const [, version, text = ''] = signature.split(':');
    if (version !== 'v1') return json(400, { errors: ['invalid signature: version is too new'] });
    const bytes = Buffer.from(text, 'base64');
    json(200, { data: { valid: verify(null, Buffer.from(input, 'base64'), this.keys.publicKey, bytes) } });
  }
}
