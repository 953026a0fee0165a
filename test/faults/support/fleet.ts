import { type RunningApplication, startApplication } from '../../support/application.js';
import { OPS_TOKEN } from './house.js';

/** A route that the policy `default` limits by address. */
const PATH = '/v1/isolation';
/** What the policy `default` grants one address. */
export const DEFAULT_GRANT = { burst: 60, perSecond: 5 } as const;

/** What one request was answered. Times are of `performance.now()`. */
export interface FleetAnswer {
  readonly instance: number;
  readonly startedMs: number;
  readonly endedMs: number;
  /** 0 when there was no answer. */
  readonly status: number;
}

/** Instances of the built application that share their limits, as a load balancer sees them. */
export interface Fleet {
  readonly size: number;
  /** One request of a client, to one of the instances. */
  ask(instance: number, client: string): Promise<FleetAnswer>;
  /** Requests of an instance that somebody decided, as its log has it. */
  decidedBy(instance: number, backend: string): number;
  /** Value of a metric of an instance, its series added up. */
  metric(instance: number, name: string): Promise<number>;
  /** With how many instances an instance believes to share its limits. */
  counted(instance: number): Promise<number>;
  close(): Promise<void>;
}

export interface FleetOptions {
  readonly rateLimitUrl: string;
  /** Of the other purposes. */
  readonly redisUrl: string;
  readonly env?: Readonly<Record<string, string>>;
}

const SIZE = 3;
const OPS = { authorization: `Bearer ${OPS_TOKEN}` };

export async function openFleet({ rateLimitUrl, redisUrl, env = {} }: FleetOptions): Promise<Fleet> {
  const variables = {
    APP_PROFILE: 'test',
    REDIS_URL: redisUrl,
    RATE_LIMIT_REDIS_URL: rateLimitUrl,
    RATE_LIMIT_KEY_SECRET: 'the same on all instances, 0123456789',
    OPS_TOKEN,
    TRUST_PROXY: '1',
    ...env,
  };
  const instances = await Promise.all(Array.from({ length: SIZE }, () => startApplication(variables)));
  const ended = instances.find(({ process }) => process.exitCode !== null);
  if (ended) throw new Error(`An instance ended at once: ${ended.output().slice(-2000)}`);
  return {
    size: SIZE,
    ask: (instance, client) => ask(instances, instance, client),
    decidedBy: (instance, backend) =>
      at(instances, instance).output().split(`"rl_backend":"${backend}"`).length,
    metric: (instance, name) => metric(at(instances, instance), name),
    counted: (instance) => counted(at(instances, instance)),
    close: async () => {
      for (const { process } of instances) process.kill('SIGKILL');
      await Promise.all(instances.map(({ exit }) => exit));
    },
  };
}

function at(instances: readonly RunningApplication[], instance: number): RunningApplication {
  const found = instances[instance];
  if (!found) throw new RangeError(`There is no instance ${instance}`);
  return found;
}

async function ask(
  instances: readonly RunningApplication[],
  instance: number,
  client: string,
): Promise<FleetAnswer> {
  const startedMs = performance.now();
  const headers = { ...OPS, 'x-forwarded-for': client };
  const status = await fetch(`${at(instances, instance).origin}${PATH}`, { headers }).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status;
    },
    () => 0,
  );
  return { instance, startedMs, endedMs: performance.now(), status };
}

async function metric({ origin }: RunningApplication, name: string): Promise<number> {
  const response = await fetch(`${origin}/metrics`, { headers: OPS });
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

async function counted({ origin }: RunningApplication): Promise<number> {
  const response = await fetch(`${origin}/v1/rate-limit/store`, { headers: OPS });
  const { instances } = (await response.json()) as { instances: { count: number } };
  return instances.count;
}
