import { eq, lte, sql } from 'drizzle-orm';
import { chores } from './chores.tables.js';
import type { FeatureDatabase } from './feature-database.js';
import type { Rounds } from './housekeeping.js';

/** An instance that began and was never heard of again; shorter than the pause after which it would go on itself. */
const BEGUN_HOURS = 0.5;
/** Shorter than the shortest pause between two rounds of one instance, so that a lone one misses no day. */
const ENDED_HOURS = 20;

/** Who does what is due, of all instances on one database. By the clock of the server. */
export class ChoreRounds implements Rounds {
  constructor(private readonly database: FeatureDatabase) {}

  /** The engine that is embedded is not opened for chores. */
  get isOpen(): boolean {
    return this.database.isOpen;
  }

  async begin(name: string): Promise<boolean> {
    const dueAt = later(BEGUN_HOURS);
    const ours = await this.database.run((db) =>
      db
        .insert(chores)
        .values({ name, dueAt })
        .onConflictDoUpdate({ target: chores.name, set: { dueAt }, setWhere: lte(chores.dueAt, sql`now()`) })
        .returning({ name: chores.name }),
    );
    return ours.length > 0;
  }

  async end(name: string): Promise<void> {
    const dueAt = later(ENDED_HOURS);
    await this.database.run((db) => db.update(chores).set({ dueAt }).where(eq(chores.name, name)));
  }
}

function later(hours: number) {
  return sql`now() + ${`${hours} hours`}::interval`;
}
