import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { temporaryDirectory } from './clean-up.js';

/** Paths of a PEM certificate and of its private key. */
export interface CertificateFiles {
  cert: string;
  key: string;
}

export interface IssueOptions {
  commonName: string;
  /** DNS names and IP addresses, told apart by their shape. */
  altNames?: string[];
  notBefore?: Date;
  notAfter?: Date;
  /** Decides the extended key usage: OpenSSL refuses a server certificate presented by a client. */
  usage?: 'server' | 'client';
}

export interface CertificateAuthority {
  /** Path of the PEM certificate of the authority: what a peer has to trust. */
  cert: string;
  /** Issues a certificate and writes `<name>.crt` and `<name>.key`. */
  issue(name: string, options: IssueOptions): Promise<CertificateFiles>;
}

export interface TestCertificates {
  dir: string;
  /** The authority that issued everything here except `untrusted`. */
  ca: string;
  /** An authority that issued only `untrusted`. */
  otherCa: string;
  /** Good for localhost, 127.0.0.1 and ::1. */
  server: CertificateFiles;
  /** As good as `server`, with a key and a serial number of its own: what a rotation brings. */
  renewed: CertificateFiles;
  /** Like `server`, but issued by `otherCa`. */
  untrusted: CertificateFiles;
  /** Like `server`, but its validity ended yesterday. */
  expired: CertificateFiles;
  /** Valid and trusted, but for another host. */
  wrongHost: CertificateFiles;
  client: CertificateFiles;
  /** To issue further ones, for instance for a rotation. */
  authority: CertificateAuthority;
}

const DAY_MS = 86_400_000;
/** P-256: a key pair takes well under a millisecond, an RSA key takes hundreds. */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const EXTENDED_KEY_USAGE = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' };

/** The library asks for the Web Crypto of the DOM; Node's is the same object under another type name. */
x509.cryptoProvider.set(webcrypto as never);

/**
 * One authority and the good and bad certificates that the TLS tests need. They are made at run time, so that
 * no private key is ever in the repository and no test starts to fail on the day a checked-in certificate expires.
 */
export async function createTestCertificates(
  dir = temporaryDirectory('certificates'),
): Promise<TestCertificates> {
  const authority = await createAuthority(dir, 'ca');
  const other = await createAuthority(dir, 'other-ca');
  const altNames = ['localhost', '127.0.0.1', '::1'];
  const past = { notBefore: daysFromNow(-30), notAfter: daysFromNow(-1) };
  return {
    dir,
    ca: authority.cert,
    otherCa: other.cert,
    server: await authority.issue('server', { commonName: 'localhost', altNames }),
    renewed: await authority.issue('renewed', { commonName: 'localhost', altNames }),
    untrusted: await other.issue('untrusted', { commonName: 'localhost', altNames }),
    expired: await authority.issue('expired', { commonName: 'localhost', altNames, ...past }),
    wrongHost: await authority.issue('wrong-host', {
      commonName: 'other.example',
      altNames: ['other.example'],
    }),
    client: await authority.issue('client', { commonName: 'bulkhead-client', usage: 'client' }),
    authority,
  };
}

/** A self-signed authority; its private key never leaves memory. */
export async function createAuthority(dir: string, name: string): Promise<CertificateAuthority> {
  mkdirSync(dir, { recursive: true });
  const keys = await generateKeys();
  const subject = `CN=Bulkhead test ${name}`;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: subject,
    notBefore: daysFromNow(-60),
    notAfter: daysFromNow(60),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const cert = join(dir, `${name}.crt`);
  writePrivate(cert, certificate.toString('pem'));
  return { cert, issue: (leaf, options) => issue({ dir, subject, key: keys.privateKey }, leaf, options) };
}

type Keys = Awaited<ReturnType<typeof generateKeys>>;

interface Issuer {
  dir: string;
  subject: string;
  key: Keys['privateKey'];
}

async function issue(issuer: Issuer, name: string, options: IssueOptions): Promise<CertificateFiles> {
  const { commonName, altNames = [], usage = 'server' } = options;
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${commonName}`,
    issuer: issuer.subject,
    notBefore: options.notBefore ?? daysFromNow(-1),
    notAfter: options.notAfter ?? daysFromNow(30),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: issuer.key,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([EXTENDED_KEY_USAGE[usage]]),
      ...(altNames.length > 0 ? [new x509.SubjectAlternativeNameExtension(altNames.map(toGeneralName))] : []),
    ],
  });
  const files = { cert: join(issuer.dir, `${name}.crt`), key: join(issuer.dir, `${name}.key`) };
  writePrivate(files.cert, certificate.toString('pem'));
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  writePrivate(files.key, x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'));
  return files;
}

function generateKeys() {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function toGeneralName(value: string): { type: 'ip' | 'dns'; value: string } {
  return { type: isIP(value) === 0 ? 'dns' : 'ip', value };
}

/** Positive (the leading byte keeps the sign bit clear) and unique: OpenSSL tells certificates apart by it. */
function serialNumber(): string {
  return `01${randomBytes(15).toString('hex')}`;
}

function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * DAY_MS);
}

function writePrivate(path: string, pem: string): void {
  writeFileSync(path, `${pem.trimEnd()}\n`, { mode: 0o600 });
}
