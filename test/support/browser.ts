import { type Browser, chromium } from 'playwright-core';
import { runForInstall } from './apt-install.js';
import { find } from './redis-binary.js';
import { type Machine, thisMachine } from './redis-provision.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const HOW_TO_GET_CHROMIUM = [
  'Debian:          sudo apt-get install -y --no-install-recommends chromium',
  'Fedora, RHEL:    sudo dnf install -y chromium',
  'Alpine:          apk add chromium',
  'elsewhere:       CHROMIUM_BIN=/path/to/chrome npm test',
];

/**
 * A browser without a window: `CHROMIUM_BIN`, else what is on the PATH, else the package of Debian, installed as root
 * where nobody sits who could be asked.
 *
 * @throws Error that says how to get one
 */
export async function startBrowser(): Promise<Browser> {
  const path = await provideChromium(thisMachine());
  // As root it cannot build its sandbox; it sees nothing but our own page.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: path, args });
}

async function provideChromium({ env, root, debian, terminal }: Machine): Promise<string> {
  const mayInstall = root && debian && find('apt-get', env) && (env['CI'] === 'true' || !terminal);
  if (!findChromium(env) && !env['CHROMIUM_BIN'] && mayInstall) {
    console.log('No Chromium found: installing the package chromium with apt-get.');
    await install(env);
  }
  const found = findChromium(env);
  if (found) return found;
  throw new Error(
    ['No Chromium found, and the console is tested in a real browser:', ...HOW_TO_GET_CHROMIUM].join('\n  '),
  );
}

async function install(env: NodeJS.ProcessEnv): Promise<void> {
  try {
    await runForInstall('apt-get', ['update'], env);
    await runForInstall('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], env);
  } catch (error) {
    console.log(`Installing Chromium failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function findChromium(env: NodeJS.ProcessEnv): string | undefined {
  const wanted = env['CHROMIUM_BIN'];
  if (wanted) return find(wanted, env);
  return NAMES.map((name) => find(name, env)).find((path) => path !== undefined);
}
