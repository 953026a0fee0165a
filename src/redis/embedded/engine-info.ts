import { randomBytes } from 'node:crypto';

/** What INFO and CLIENT INFO say of one instance: the package answers placeholders, the same for every instance. */
export class EngineIdentity {
  readonly runId = randomBytes(20).toString('hex');
  readonly replicationId = randomBytes(20).toString('hex');
  private readonly startedAt = Date.now();
  port = 0;

  /** Replaces the placeholders, and adds the fields that the purposes' checks read. */
  info(text: string, clients: number): string {
    const uptime = Math.floor((Date.now() - this.startedAt) / 1000);
    const replaced = replaceFields(text, {
      os: `${process.platform} (in this process)`,
      process_id: String(process.pid),
      tcp_port: String(this.port),
      uptime_in_seconds: String(uptime),
      uptime_in_days: String(Math.floor(uptime / 86_400)),
      connected_clients: String(clients),
      master_replid: this.replicationId,
    });
    return replaced
      .replace(/^process_id:.*$/m, (line) => `${line}\r\nrun_id:${this.runId}\r\nengine:embedded`)
      .replace(/^used_memory_peak:.*$/m, (line) => `${line}\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction`);
  }

  clientLines(text: string): string {
    return text.replaceAll(/\bladdr=\S+/g, `laddr=127.0.0.1:${this.port}`);
  }
}

function replaceFields(text: string, fields: Record<string, string>): string {
  return text.replaceAll(/^(\w+):(.*?)(\r?)$/gm, (line, name: string, _value: string, end: string) => {
    const value = fields[name];
    return value === undefined ? line : `${name}:${value}${end}`;
  });
}
