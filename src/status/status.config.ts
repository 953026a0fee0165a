import { IsArray, Max, Min } from 'class-validator';
import { EnvVariable, type Fault, type RuleContext, type SettingsRules } from '../config/index.js';
import { Secret } from '../kernel/redact.js';
import { parseDurationMs } from '../kernel/time.js';

/** Status alerts: who gets them, and how webhooks are called. */
export class StatusSettings implements SettingsRules {
  static readonly title = 'Status alerts';

  @EnvVariable('STATUS_PII_KEYS', {
    doc: 'Secrets under which addresses and URLs of subscribers lie in the database, newest,older: the first seals, all open',
    file: true,
    ownSecret: 'generated',
    ring: true,
  })
  piiKeys!: Secret;

  @EnvVariable('STATUS_WEBHOOK_PORTS', {
    doc: 'Ports that webhooks may be called at, separated by commas',
    default: '443,8443',
    parse: parsePorts,
  })
  @IsArray()
  webhookPorts!: number[];

  @EnvVariable('STATUS_WEBHOOK_TIMEOUT_MS', {
    doc: 'A webhook has to be resolved, reached and to have answered within this, 500ms to 30s',
    default: '10s',
    parse: parseDurationMs,
  })
  @Min(500)
  @Max(30_000)
  webhookTimeoutMs!: number;

  @EnvVariable('STATUS_WEBHOOK_DISABLE_AFTER_MS', {
    doc: 'A webhook that took nothing for this long is not called any more, until it is subscribed again, 1h to 30d',
    default: '3d',
    parse: parseDurationMs,
  })
  @Min(3_600_000)
  @Max(2_592_000_000)
  disableAfterMs!: number;

  @EnvVariable('STATUS_WEBHOOK_ALLOW_LOOPBACK', {
    doc: 'true: webhooks may be http, and at loopback addresses at any port; profiles demo and test only',
    default: 'false',
  })
  allowLoopback!: boolean;

  rules({ profile, settings }: RuleContext): readonly Fault[] {
    const { allowLoopback } = settings.of(StatusSettings);
    if (!allowLoopback || profile === 'demo' || profile === 'test') return [];
    return [
      {
        variable: 'STATUS_WEBHOOK_ALLOW_LOOPBACK',
        rule: `lets strangers call what listens on this machine, and may not be set in ${profile}`,
        remedy: 'Take it away, or set it to false',
      },
    ];
  }
}

function parsePorts(text: string): number[] {
  const parts = text.split(',').map((part) => part.trim());
  const ports = parts.map(Number);
  if (!parts.every((part) => /^[1-9]\d{0,4}$/.test(part)) || ports.some((port) => port > 65_535))
    throw new Error('must be ports from 1 to 65535, separated by commas');
  return ports;
}
