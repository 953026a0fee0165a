import { createHash } from 'node:crypto';
import {
  type Fault,
  MOST_CERTIFICATE_BYTES,
  type Settings,
  readBoundedLater,
  readSecretFile,
} from '../../config/index.js';
import { Secret } from '../../kernel/redact.js';
import type { Clock } from '../../kernel/time.js';
import { type ConnectionRequest, type Login, resolveLogin } from '../login.js';
import { FileReader } from './file-reader.js';
import { readTls, type TlsMaterial, tlsFileFaults } from '../tls-material.js';

interface NamedFile {
  readonly variable: string;
  readonly path: string;
}

interface SecretFile extends NamedFile {
  readonly holds: 'password' | 'own URL' | 'shared URL' | 'Sentinel password';
}

/** A file that is being written is left alone until it has not changed for this long. */
const SETTLE_MS = 150;
const MOST_SETTLES = 10;

/** One for the process, as its threads are. */
const processReader = new FileReader<string>(fingerprint);

/** The files behind the settings of one purpose, read anew. */
export class AccessFiles {
  private readonly secrets: readonly SecretFile[];
  private readonly certificates: readonly NamedFile[];

  constructor(
    private readonly request: ConnectionRequest,
    settings: Pick<Settings, 'fileOf'>,
    private readonly reader = processReader,
  ) {
    const { definition, own, explicitUrl, provider } = request;
    const stem = definition.env;
    const secret = (holds: SecretFile['holds'], name: string): SecretFile[] => {
      const path = settings.fileOf(name);
      return path === undefined ? [] : [{ holds, variable: `${name}_FILE`, path }];
    };
    const url = own.url ? secret('own URL', `${stem}_URL`) : secret('shared URL', 'REDIS_URL');
    this.secrets = [
      ...(provider ? [] : secret('password', `${stem}_PASSWORD`)),
      ...(explicitUrl ? [] : url),
      ...secret('Sentinel password', `${stem}_SENTINEL_PASSWORD`),
    ];
    const files = { CA: own.tlsCaFile, CERT: own.tlsCertFile, KEY: own.tlsKeyFile };
    this.certificates = Object.entries(files).flatMap(([name, path]) =>
      path === undefined ? [] : [{ variable: `${stem}_TLS_${name}_FILE`, path }],
    );
  }

  get secretVariables(): readonly string[] {
    return this.variablesThatHold(({ holds }) => holds !== 'Sentinel password');
  }

  get sentinelVariables(): readonly string[] {
    return this.variablesThatHold(({ holds }) => holds === 'Sentinel password');
  }

  get certificateVariables(): readonly string[] {
    return this.certificates.map(({ variable }) => variable);
  }

  /** The variables of files that are being read at the moment, or wait to be. */
  get beingRead(): { secrets: readonly string[]; certificates: readonly string[] } {
    const names = (files: readonly NamedFile[]) =>
      files.filter(({ path }) => this.reader.isReading(path)).map(({ variable }) => variable);
    return { secrets: names(this.secrets), certificates: names(this.certificates) };
  }

  /**
   * Tells whether anything has changed. Holds nothing up, but may take for ever where a folder on a network hangs;
   * one file after the other, so that it then costs one thread.
   */
  async print(): Promise<string> {
    const prints: string[] = [];
    for (const { path } of [...this.secrets, ...this.certificates])
      prints.push(
        await this.reader.read(path).catch((error: NodeJS.ErrnoException) => error.code ?? 'unreadable'),
      );
    return prints.join(' ');
  }

  /**
   * As `print`, of files that nobody is writing at the moment, as far as that can be seen.
   *
   * @param known an earlier print: as long as it holds, nothing is being written
   */
  async settledPrint(known: string | undefined, clock: Clock): Promise<string> {
    let print = await this.print();
    for (let times = 0; print !== known && times < MOST_SETTLES; times += 1) {
      await new Promise<void>((resolve) => clock.after(SETTLE_MS, resolve));
      const later = await this.print();
      if (later === print) break;
      print = later;
    }
    return print;
  }

  /** Address and credentials as the files have them now, or everything that is wrong with them. */
  login(): Login | readonly Fault[] {
    const { purpose } = this.request;
    let { own, shared } = this.request;
    const faults: Fault[] = [];
    for (const { holds, variable, path } of this.secrets) {
      const found = readSecretFile(variable, path);
      if ('fault' in found) {
        faults.push(holds === 'shared URL' ? found.fault : { ...found.fault, purpose });
      } else if (holds === 'password') own = changed(own, { password: new Secret(found.text) });
      else if (holds === 'Sentinel password')
        own = changed(own, { sentinelPassword: new Secret(found.text) });
      else if (holds === 'own URL') own = changed(own, { url: new Secret(found.text) });
      else shared = changed(shared, { url: new Secret(found.text) });
    }
    if (faults.length > 0) return faults;
    const login = resolveLogin({ ...this.request, own, shared });
    if (!login) return [];
    if ('rule' in login) return [this.inFile(login)];
    return login.faults.length > 0 ? login.faults.map((fault) => this.inFile(fault)) : login;
  }

  /** Certificates and key as the files have them now, or everything that is wrong with them. */
  tls(target: Login['target']): TlsMaterial | readonly Fault[] {
    const { own, purpose } = this.request;
    const faults = tlsFileFaults(this.request, target);
    if (faults.length > 0) return faults;
    try {
      return readTls(own, target);
    } catch {
      // Changed between the check and now, or parsed by one half of OpenSSL and not by the other.
      const variable = this.certificates[0]?.variable ?? `${this.request.definition.env}_TLS_CA_FILE`;
      return [{ variable, purpose, rule: 'holds what TLS cannot use', remedy: 'Correct the file' }];
    }
  }

  private variablesThatHold(wanted: (file: SecretFile) => boolean): string[] {
    return this.secrets.filter(wanted).map(({ variable }) => variable);
  }

  /** Says the variable that is set: `…_URL_FILE` where a URL was read from a file. */
  private inFile(fault: Fault): Fault {
    const file = this.secretVariables.find((variable) => variable === `${fault.variable}_FILE`);
    return file === undefined ? fault : { ...fault, variable: file };
  }
}

async function fingerprint(path: string): Promise<string> {
  const content = await readBoundedLater(path, MOST_CERTIFICATE_BYTES);
  return createHash('sha256').update(content).digest('hex');
}

function changed<T extends object>(settings: T, changes: Partial<T>): T {
  return Object.assign(Object.create(Object.getPrototypeOf(settings) as object) as T, settings, changes);
}
