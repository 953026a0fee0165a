import { createHmac } from 'node:crypto';
import { type IncomingHttpHeaders, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedCall {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

type Answering = (call: ReceivedCall, response: ServerResponse) => void;

/** A webhook of somebody: keeps every call, and answers 204 unless told otherwise. */
export class Receiver {
  readonly calls: ReceivedCall[] = [];
  answer: Answering = (_call, response) => void response.writeHead(204).end();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.on('request', (request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { url: path = '', headers } = request;
        const call = { path, headers, body: Buffer.concat(parts).toString() };
        receiver.calls.push(call);
        receiver.answer(call, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  url(path = '/hook'): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** As a receiver would: over the bytes that came, with the moment of the header. */
export function isSigned({ headers, body }: ReceivedCall, secret: string): boolean {
  const [, t = '', v1 = ''] =
    /^t=(\d+),v1=([\da-f]{64})$/.exec(String(headers['x-bulkhead-signature'])) ?? [];
  const recent = Math.abs(Date.now() / 1000 - Number(t)) < 300;
  return recent && createHmac('sha256', secret).update(`${t}.${body}`).digest('hex') === v1;
}
