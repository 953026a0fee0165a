import { Inject, Injectable } from '@nestjs/common';
import { eq } from 'drizzle-orm';
import { DatabaseUnavailableError, type FeatureDatabase, InjectDatabase } from '../../database/index.js';
import { Tenants } from '../../identity/index.js';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import { billingCustomers } from './customers.tables.js';
import { KnownCustomers } from './known-customers.js';
import { CustomerUnknownError, NoSuchTenantError } from './webhook.errors.js';

/** Share of the connections to SQL, and name of it. */
export const CUSTOMERS_DATABASE = { name: 'billing-customers', connections: 2 } as const;

export interface CustomerTenant {
  readonly customerId: string;
  readonly tenantId: string;
  readonly createdAt: Date;
}

/**
 * Whose customer somebody is. What an event says of its tenant counts once, where nobody has said it before: after that
 * only an operator changes it, so that no event can move a customer, and what is told of it, to another tenant.
 */
@Injectable()
export class CustomerTenants {
  private readonly lately: KnownCustomers;
  private readonly asking = new Map<string, Promise<string | undefined>>();
  /** How often an operator has changed something: an answer that was asked for before may be the old one. */
  private changes = 0;

  constructor(
    @InjectDatabase(CUSTOMERS_DATABASE.name) private readonly db: FeatureDatabase,
    private readonly tenants: Tenants,
    @Inject(CLOCK) clock: Clock,
  ) {
    this.lately = new KnownCustomers(clock);
  }

  /** What was read of SQL within the last minute; undefined where it has to be asked. */
  known(customerId: string): string | undefined {
    return this.lately.fresh(customerId);
  }

  /**
   * @param customerId empty where the event names none; nothing is kept then
   * @param hint tenant that the event names; it may be any text
   * @returns undefined where nobody knows
   * @throws DatabaseUnavailableError where only SQL could tell: nobody knows is then not the answer
   */
  async tenantOf(customerId: string, hint: string | undefined): Promise<string | undefined> {
    if (customerId === '') return await this.existing(hint);
    const fresh = this.known(customerId);
    if (fresh !== undefined) return fresh;
    try {
      return await this.askOnce(customerId, hint);
    } catch (error) {
      const kept = error instanceof DatabaseUnavailableError ? this.lately.kept(customerId) : undefined;
      if (kept === undefined) throw error;
      return kept;
    }
  }

  /**
   * Gives the customer to a tenant, whoever had it before. Other processes know it within a minute.
   *
   * @throws NoSuchTenantError, DatabaseUnavailableError
   */
  async assign(customerId: string, tenantId: string): Promise<CustomerTenant> {
    const existing = await this.existing(tenantId);
    if (existing === undefined) throw new NoSuchTenantError();
    const [row] = await this.db.run((sql) =>
      sql
        .insert(billingCustomers)
        .values({ customerId, tenantId: existing })
        .onConflictDoUpdate({ target: billingCustomers.customerId, set: { tenantId: existing } })
        .returning(),
    );
    this.changes += 1;
    this.lately.remember(customerId, existing);
    return row as CustomerTenant;
  }

  /** @throws CustomerUnknownError, DatabaseUnavailableError */
  async find(customerId: string): Promise<CustomerTenant> {
    const row = await this.read(customerId);
    if (!row) throw new CustomerUnknownError();
    return row;
  }

  /** Deliveries come in swarms, and a swarm about one customer asks SQL once. */
  private askOnce(customerId: string, hint: string | undefined): Promise<string | undefined> {
    const question = `${customerId} ${hint ?? ''}`;
    const asked = this.asking.get(question);
    if (asked) return asked;
    const answer = this.ask(customerId, hint).finally(() => this.asking.delete(question));
    this.asking.set(question, answer);
    return answer;
  }

  private async ask(customerId: string, hint: string | undefined): Promise<string | undefined> {
    const { changes } = this;
    const tenantId = (await this.read(customerId))?.tenantId ?? (await this.learn(customerId, hint));
    if (tenantId !== undefined && changes === this.changes) this.lately.remember(customerId, tenantId);
    return tenantId;
  }

  /** Of several events that name a tenant at the same time one is first, and all get its tenant. */
  private async learn(customerId: string, hint: string | undefined): Promise<string | undefined> {
    const tenantId = await this.existing(hint);
    if (tenantId === undefined) return undefined;
    const [row] = await this.db.run((sql) =>
      sql.insert(billingCustomers).values({ customerId, tenantId }).onConflictDoNothing().returning(),
    );
    return (row ?? (await this.read(customerId)))?.tenantId;
  }

  private async read(customerId: string): Promise<CustomerTenant | undefined> {
    const [row] = await this.db.run((sql) =>
      sql.select().from(billingCustomers).where(eq(billingCustomers.customerId, customerId)),
    );
    return row;
  }

  /** The one spelling of its id. */
  private async existing(tenantId: string | undefined): Promise<string | undefined> {
    if (tenantId === undefined || !(await this.tenants.exists(tenantId))) return undefined;
    return tenantId.toLowerCase();
  }
}
