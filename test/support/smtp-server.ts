import { type Server, type Socket, createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly data: string;
}

/** What the server says to RCPT TO, or does instead of answering. */
export type SmtpMood = 'accept' | 'defer' | 'reject' | 'hang' | 'cut-after-data';

const QUEUED = '250 queued';

/** A mail server on loopback that keeps what it is given: as much of RFC 5321 as a client needs. */
export class SmtpServer {
  readonly mails: ReceivedMail[] = [];
  mood: SmtpMood = 'accept';
  /** It keeps a mail, and says so this much later. */
  slowMs = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<SmtpServer> {
    const server = createServer();
    const smtp = new SmtpServer(server);
    server.on('connection', (socket) => smtp.serve(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return smtp;
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Connections that are open. */
  get open(): number {
    return this.sockets.size;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket)).on('error', () => undefined);
    const session = { from: '', to: [] as string[], data: undefined as string | undefined };
    let rest = '';
    socket.write('220 test ESMTP\r\n');
    socket.on('data', (chunk: Buffer) => {
      rest += chunk.toString('utf8');
      for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 2);
        const answer =
          session.data === undefined ? this.command(line, session) : this.dataLine(line, session);
        if (answer === 'cut') socket.destroy();
        else if (answer === QUEUED) setTimeout(() => socket.write(`${answer}\r\n`), this.slowMs);
        else if (answer !== undefined) socket.write(`${answer}\r\n`);
      }
    });
  }

  private command(
    line: string,
    session: { from: string; to: string[]; data: string | undefined },
  ): string | undefined {
    const verb = line.split(' ')[0]?.toUpperCase();
    if (this.mood === 'hang' && verb === 'MAIL') return undefined;
    switch (verb) {
      case 'EHLO':
      case 'HELO':
        return '250 test';
      case 'MAIL':
        Object.assign(session, { from: line.slice(10), to: [] });
        return '250 ok';
      case 'RCPT':
        if (this.mood === 'defer') return '451 later';
        if (this.mood === 'reject') return '550 no such mailbox';
        session.to.push(line.slice(8));
        return '250 ok';
      case 'DATA':
        session.data = '';
        return '354 go on';
      case 'QUIT':
        return '221 bye';
      default:
        return '250 ok';
    }
  }

  private dataLine(
    line: string,
    session: { from: string; to: string[]; data: string | undefined },
  ): string | undefined {
    if (line !== '.') {
      session.data += `${line}\n`;
      return undefined;
    }
    this.mails.push({ from: session.from, to: [...session.to], data: session.data ?? '' });
    session.data = undefined;
    return this.mood === 'cut-after-data' ? 'cut' : QUEUED;
  }
}
