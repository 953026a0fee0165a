import { once } from 'node:events';
import { type Socket, connect } from 'node:net';

/** Every command that a server is given, as MONITOR shows it, those inside scripts as well. */
export class Monitor {
  private readonly parts: Buffer[] = [];

  private constructor(private readonly socket: Socket) {
    socket.on('data', (part) => this.parts.push(part));
  }

  static async of(port: number): Promise<Monitor> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const monitor = new Monitor(socket);
    socket.write('MONITOR\r\n');
    await once(socket, 'data');
    return monitor;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.parts);
  }

  /** Names of the keys of each script call. */
  scriptKeys(): string[][] {
    return this.bytes
      .toString('latin1')
      .split('\r\n')
      .flatMap((line) => {
        const [, count = '', rest = ''] = /"eval(?:sha)?" "(?:[^"\\]|\\.)*" "(\d+)" (.*)$/i.exec(line) ?? [];
        const words = [...rest.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => word);
        return count === '' ? [] : [words.slice(0, Number(count))];
      });
  }

  stop(): void {
    this.socket.destroy();
  }
}
