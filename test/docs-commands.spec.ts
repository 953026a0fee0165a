import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../src/cli/run.js';
import { EXIT } from '../src/kernel/errors.js';
import { filesBelow, read } from './architecture/project-files.js';
import { temporaryDirectory } from './support/clean-up.js';

const FOLDERS = ['docs', 'examples', 'bench'];
const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  ...FOLDERS.flatMap((folder) => filesBelow(folder)).filter((file) => file.endsWith('.md')),
].filter((file) => !file.includes('node_modules/') && file !== 'docs/cli.md');

interface Command {
  readonly file: string;
  readonly words: string;
}

/** Lines that are there to be pasted, and what stands in a sentence, as far as it is a whole command. */
function commandsIn(file: string): Command[] {
  const text = read(file);
  const pasted = [...text.matchAll(/^npm run cli -- (.+?)(?:\s+#.*)?$/gm)];
  const said = [...text.matchAll(/`npm run cli -- ([^`…]+)`/g)];
  return [...pasted, ...said].flatMap(([, words]) => (words === undefined ? [] : [{ file, words }]));
}

const commands = DOCUMENTS.flatMap(commandsIn);

describe('the commands that the documents show', () => {
  const keys = temporaryDirectory('keys');
  beforeAll(() => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    writeFileSync(join(keys, 'reporter.pem'), privateKey);
    writeFileSync(join(keys, 'reporter.pub'), publicKey);
  });

  /** As a shell does it with quotes, and as a reader does it with what is to be filled in. */
  const split = (words: string): string[] =>
    [...words.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) =>
      (quoted ?? plain ?? '')
        .replace('<id>', '8e2b0d6e-58b1-4b43-8a3c-0d2f0e6f0a11')
        .replace('<file>', '.env.example')
        .replace(/^reporter\.(?=pem|pub)/, join(keys, 'reporter.'))
        // Nobody listens at the discard port.
        .replace('127.0.0.1:3000', '127.0.0.1:9'),
    );

  it('are some', () => {
    expect(commands.filter(({ file }) => file === 'docs/billing.md').length).toBeGreaterThan(5);
    expect(commands.length).toBeGreaterThan(9);
  });

  it.each(commands)('$file: $words', async ({ words }) => {
    let said = '';
    const code = await runCli(split(words), {
      version: '0',
      output: { out: () => undefined, err: (text) => void (said += text) },
      // What would be posted to an application cannot be signed.
      environment: { STRIPE_WEBHOOK_SECRET_FILE: '/nonexistent/secret' },
      // Whatever gets so far has been understood.
      application: () => Promise.reject(new Error('asks for the application')),
    });
    expect({ understood: code !== EXIT.usage, said }).toEqual({ understood: true, said });
  });
});
