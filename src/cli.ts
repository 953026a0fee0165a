import { readFileSync } from 'node:fs';
import { reportNoResult } from './cli/no-result.js';
import { processOutput } from './cli/output.js';
import { runCli } from './cli/run.js';
import { EXIT } from './kernel/errors.js';

const about = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
const { version } = JSON.parse(about) as { version: string };

// A reader that has seen enough (`| head`) closes the pipe: no fault of ours, and nobody left to tell.
process.stdout.on('error', () => process.exit(EXIT.ok));

reportNoResult();
const code = await runCli(process.argv.slice(2), {
  version,
  output: processOutput,
  environment: process.env,
  application: async () => (await import('./app.environment.js')).application,
});

// Ended here and not by an empty event loop: a black-holed socket would keep it turning. Written first.
process.stdout.write('', () => process.exit(code));
