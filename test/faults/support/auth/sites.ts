import { AuthHouse } from '../../../e2e/auth/house.js';
import { Caller } from '../../../e2e/auth/caller.js';
import { type PostgresServer, startPostgres } from '../../../support/postgres.js';
import { waitFor } from '../../../support/wait-for.js';
import { Operator, type Program } from '../../../e2e/service-accounts/program.js';
import { CANARY, type Site, closeSite, openSite } from '../site.js';

/** The compartments that accounts are closed without. */
export const CLOSED_PURPOSES = ['authCache', 'securityTokens'] as const;
export type ClosedPurpose = (typeof CLOSED_PURPOSES)[number];

/** The whole application, with a site of faults for each compartment that it needs for accounts, and an SQL of its own. */
export class AuthSites {
  private constructor(
    readonly house: AuthHouse,
    readonly sites: Readonly<Record<ClosedPurpose, Site>>,
    readonly postgres: PostgresServer,
    readonly program: Program,
  ) {}

  /** @param struck keeps the budget of the product; the others have one that a busy machine keeps */
  static async open(struck?: ClosedPurpose): Promise<AuthSites> {
    const [authCache, securityTokens, postgres] = await Promise.all([
      openSite({ purpose: 'authCache', user: 'auth-app' }),
      openSite({ purpose: 'securityTokens', user: 'st-app' }),
      startPostgres(),
    ]);
    const house = await AuthHouse.open({
      separate: true,
      databaseUrl: postgres.url(),
      env: {
        ...variables('AUTH_CACHE', authCache),
        ...variables('SECURITY_TOKEN', securityTokens),
        AUTH_CACHE_REDIS_COMMAND_MS: struck === 'authCache' ? '250ms' : '5s',
        SECURITY_TOKEN_REDIS_COMMAND_MS: struck === 'securityTokens' ? '250ms' : '5s',
      },
    });
    const program = await (await Operator.of(house)).program('faults');
    return new AuthSites(house, { authCache, securityTokens }, postgres, program);
  }

  /** @returns how long it took until every compartment was up, milliseconds */
  async sound(): Promise<number> {
    const startMs = performance.now();
    const caller = new Caller(this.house.first);
    const isUp = async () => {
      const { body } = await caller.get('/readyz');
      return body.status === 'ok';
    };
    await waitFor(isUp, { what: 'every compartment to be up', timeoutMs: 20_000, intervalMs: 10 });
    return performance.now() - startMs;
  }

  async close(): Promise<void> {
    await this.house.close();
    await Promise.all([...Object.values(this.sites).map(closeSite), this.postgres.stop()]);
  }
}

function variables(stem: string, { proxy, user }: Site): Record<string, string> {
  return {
    [`${stem}_REDIS_URL`]: `redis://127.0.0.1:${proxy.port}`,
    [`${stem}_REDIS_USERNAME`]: user,
    [`${stem}_REDIS_PASSWORD`]: CANARY,
  };
}
