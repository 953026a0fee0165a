import { Logger } from '@nestjs/common';
import { AppModule } from './app.module.js';
import { demoAnnouncement } from './app.demo.js';
import { createHttpApp } from './app.setup.js';
import { ShutdownSettings, shutDown, shutdownBudget, shutdownSteps } from './app.shutdown.js';
import { Settings, isLocal } from './config/index.js';
import { ShutdownState } from './health/shutdown-state.js';
import { HttpSettings, listenOptions } from './http/index.js';
import { MailSettings } from './mail/index.js';
import { EXIT, StartupError } from './kernel/errors.js';
import { SignInHint } from './console/sign-in-hint.js';
import { redactText } from './kernel/redact.js';
import { RedisRotation, RedisStatus } from './redis/index.js';

async function main(): Promise<void> {
  const running: {
    stop?: (cause: string, exitCode: number) => void;
    rotate?: () => void;
    hush?: () => void;
  } = {};
  const end = (cause: string, exitCode: number) =>
    running.stop ? running.stop(cause, exitCode) : process.exit(exitCode);
  // From the first moment on: as the first process of a container one without handlers ignores the signal.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(signal, EXIT.ok));
  // While it starts there is nothing to look at again: what it reads, it reads now.
  process.on('SIGHUP', () => running.rotate?.());
  for (const fault of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(fault, (error: unknown) => {
      if (!running.stop) refuse(error);
      new Logger('Main').error(error);
      end(fault, EXIT.software);
    });
  }
  // A reader of our log that goes away is no reason to stop serving.
  process.stdout.on('error', () => undefined);

  const app = await createHttpApp(AppModule.register());
  const settings = app.get(Settings);
  const http = settings.of(HttpSettings);
  const logger = new Logger('Main');
  running.stop = once((cause, exitCode) => {
    running.hush?.();
    const budget = shutdownBudget(settings.profile, settings.of(ShutdownSettings));
    logger.log(`${cause}: shutting down within ${budget.deadlineMs} ms`);
    const steps = shutdownSteps(app, () => app.get(ShutdownState).begin());
    void shutDown(steps, budget).then(
      (clean) => process.exit(clean ? exitCode : EXIT.software),
      (error: unknown) => {
        logger.error(error);
        process.exit(EXIT.software);
      },
    );
  });

  const rotation = app.get(RedisRotation, { strict: false });
  // On a developer's machine the signal comes from a terminal that was closed, and nobody sees the process any more.
  const closedTerminal = isLocal(settings.profile) && process.stdin.isTTY;
  running.rotate = () => (closedTerminal ? end('SIGHUP', EXIT.ok) : void rotation.now());

  await app.listen(listenOptions(http.port, http.listenHost(settings.profile)));
  const origin = (await app.getUrl()).replace('[::]', '127.0.0.1').replace('0.0.0.0', '127.0.0.1');
  logger.log(`Listening on ${origin} (${settings.profile})`);
  if (settings.profile === 'demo') {
    // Imported here only: no other profile should load what makes events up.
    const { keepSecretOfDemo, startDemoFeed } = await import('./app.demo-feed.js');
    const demo = await startDemoFeed(app, origin);
    const sendable = demo !== undefined && keepSecretOfDemo(settings, origin);
    running.hush = () => demo?.feed.stop();
    if (demo?.password !== undefined) {
      const { email, password } = demo;
      app.get(SignInHint, { strict: false }).credentials = { email, password };
    }
    const purposes = app.get(RedisStatus, { strict: false }).all();
    const keepsMails = settings.of(MailSettings).url === undefined;
    process.stdout.write(
      demoAnnouncement({
        origin,
        purposes,
        sendable,
        keepsMails,
        ...(demo && { account: demo, administrator: demo.administrator }),
      }),
    );
  }
}

/** A second signal means that somebody does not want to wait. */
function once(run: (cause: string, exitCode: number) => void): (cause: string, exitCode: number) => void {
  let running = false;
  return (cause, exitCode) => {
    if (running) process.exit(EXIT.software);
    running = true;
    run(cause, exitCode);
  };
}

/** One readable refusal and a code that a supervisor can act on; a stack trace only for our own mistakes. */
function refuse(error: unknown): never {
  if (error instanceof StartupError) {
    process.stderr.write(`${redactText(error.report())}\n`);
    process.exit(error.exitCode);
  }
  if (isListenFault(error)) {
    const { code, address = error.hostname, port = '' } = error;
    process.stderr.write(
      `Refusing to start: cannot listen on ${address} ${port} (${code}). Change HOST or PORT.\n`,
    );
    process.exit(code === 'EADDRINUSE' ? EXIT.unavailable : EXIT.config);
  }
  process.stderr.write(
    `${redactText(error instanceof Error ? (error.stack ?? error.message) : String(error))}\n`,
  );
  process.exit(EXIT.software);
}

interface ListenFault {
  readonly code: string;
  readonly address?: string;
  readonly hostname?: string;
  readonly port?: number;
}

function isListenFault(error: unknown): error is ListenFault {
  const syscall: unknown = error instanceof Error ? Reflect.get(error, 'syscall') : undefined;
  return syscall === 'listen' || syscall === 'getaddrinfo';
}

main().catch(refuse);
