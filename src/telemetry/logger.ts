import { ConsoleLogger, type ConsoleLoggerOptions, type LogLevel } from '@nestjs/common';
import { isLocal, type Profile } from '../config/index.js';
import { StartupError } from '../kernel/errors.js';
import { redact, redactText } from '../kernel/redact.js';
import { LOG_LEVELS, type LogSettings } from './log.config.js';
import { requestContext } from './request-context.js';

/** Nest's own account of putting the application together: some fifty lines that only its makers need. */
const CHATTER = new Set(['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer']);

/**
 * The one logger. Code writes through Nest's `new Logger('Context')` with a fixed text and the variable parts
 * as an object: `logger.warn('Mail was not sent', { attempt, error })`. In JSON these become top-level fields,
 * and a line written while a request is served carries its `request_id`.
 *
 * Redaction happens here and nowhere else: every message, field and stack passes `redact` in both formats.
 * Errors are reduced by it as well, because a client library hangs command arguments on them.
 *
 * All levels go to stdout: two pipes reach a collector in no particular order, and an error line is worth
 * little without the lines before it. stderr is left to the refusal to start, which people read.
 */
export class AppLogger extends ConsoleLogger {
  /** @param marks stand on every line, whatever it says */
  constructor(
    options: ConsoleLoggerOptions,
    private readonly marks: Readonly<Record<string, string>> = {},
  ) {
    super(options);
  }

  protected override printMessages(
    messages: unknown[],
    ...[context, level, stream, stack, params]: PrintArguments
  ): void {
    // Whoever started the application reports it, as a list and without a stack.
    if (context === 'ExceptionHandler' && messages.some((one) => one instanceof StartupError)) return;
    if (level === 'log' && CHATTER.has(context ?? '') && !this.isLevelEnabled('debug')) return;
    const [only] = messages;
    const isLine = this.options.json && messages.length === 1 && stack === undefined;
    if (isLine && typeof only === 'string' && this.printLine(only, { context, level, params })) return;
    this.printWhatever(messages, context, level, stream, stack, params);
  }

  private printWhatever(messages: unknown[], ...[context, level, , stack, params]: PrintArguments): void {
    const resolved = messages.map((message) => this.resolveMessage(message));
    const error = resolved.find((message) => message instanceof Error);
    const texts = resolved.filter((message) => message !== error);
    if (texts.length === 0 && error) texts.push(error.message);
    const fields = redact({ ...(error ? { error } : {}), ...params }) as Record<string, unknown>;
    const shown = this.options.json ? fields : withoutError(fields);
    super.printMessages(
      texts.map((text) => redact(text)),
      redactText(context ?? ''),
      level,
      'stdout',
      typeof stack === 'string' ? redactText(stack) : undefined,
      Object.keys(shown).length > 0 ? shown : undefined,
    );
    // A stack on one line is unreadable at a terminal: there it follows the line.
    if (shown !== fields) this.printStackTrace(stackOf(fields['error']));
  }

  /**
   * Nearly every line: one text with fields. The same line as by the long way, which copies the fields six times.
   *
   * @returns false where they are not plain data, and nothing was written
   */
  private printLine(text: string, { context = '', level = 'log', params = {} }: PlainLine): boolean {
    const line = this.beginLine(new Date(), level, redactText(text));
    if (context) line['context'] = redactText(context);
    const fields = redact(params) as Record<string, unknown>;
    for (const name of Object.keys(fields))
      if (!OWN_FIELDS.has(name) && (name !== 'context' || !context)) line[name] = fields[name];
    line['pid'] = process.pid;
    let json: string;
    try {
      json = JSON.stringify(line);
    } catch {
      return false;
    }
    process.stdout.write(`${json}\n`);
    return true;
  }

  protected override printStackTrace(stack: unknown): void {
    if (typeof stack === 'string' && !this.options.json) process.stdout.write(`${redactText(stack)}\n`);
  }

  /**
   * What `redact` leaves is plain data, so the slow serialiser, which expects circles and class instances, is only
   * needed for the rest, such as a bigint.
   */
  protected override stringifyJsonLogObject(line: Record<string, unknown>): string {
    const { level, timestamp, pid, message, ...rest } = line;
    const record = Object.assign(this.beginLine(new Date(timestamp as number), level, message), rest, {
      pid,
    });
    try {
      return JSON.stringify(record);
    } catch {
      return super.stringifyJsonLogObject(record);
    }
  }

  /** What every line of JSON begins with, by names and forms that log collectors know without configuration. */
  private beginLine(time: Date, level: unknown, message: unknown): Record<string, unknown> {
    const line: Record<string, unknown> = {
      time: time.toISOString(),
      level: level === 'log' ? 'info' : level,
      message,
      ...this.marks,
    };
    const requestId = requestContext.getStore()?.requestId;
    if (requestId) line['request_id'] = requestId;
    return line;
  }
}

/** What a line says by itself, whatever its fields are called. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['level', 'pid', 'timestamp', 'message']);

interface PlainLine {
  readonly context: string | undefined;
  readonly level: LogLevel | undefined;
  readonly params: Record<string, unknown> | undefined;
}

type PrintArguments = [
  context?: string,
  level?: LogLevel,
  stream?: 'stdout' | 'stderr',
  stack?: unknown,
  params?: Record<string, unknown>,
];

function withoutError(fields: Record<string, unknown>): Record<string, unknown> {
  const { error, ...rest } = fields;
  return stackOf(error) === undefined ? fields : rest;
}

function stackOf(error: unknown): unknown {
  return error instanceof Object ? Reflect.get(error, 'stack') : undefined;
}

/**
 * Made before the container, so that its own messages while starting are redacted too.
 *
 * @param marks stand on every line: what a reader must not overlook, such as an embedded engine
 */
export function createLogger(
  profile: Profile,
  settings: LogSettings,
  marks: Readonly<Record<string, string>> = {},
): AppLogger {
  const pretty = isLocal(profile) && profile !== 'test';
  const json = settings.format === 'auto' ? !pretty : settings.format === 'json';
  const names = LOG_LEVELS.slice(0, LOG_LEVELS.indexOf(settings.level) + 1);
  const options: ConsoleLoggerOptions = {
    json,
    flattenParams: true,
    prefix: ['bulkhead', ...Object.values(marks)].join(' '),
    logLevels: names.map((name) => (name === 'info' ? 'log' : name)),
  };
  return new AppLogger(options, marks);
}
