import type { Address } from '../dialer.js';
import { SLOTS, keySlot } from '../key-slot.js';
import { readAddress } from './read-address.js';
import { describeAddress } from './topology.js';

/** Among so many keys one lies in any given slot, but for one time in a million. */
const MOST_KEYS = SLOTS * 14;

/** More than the largest clusters in use; each costs every lane a connection. */
const MOST_PRIMARIES = 256;

/** New primaries that redirections may bring into a table, before it is asked for anew. */
const MOST_LEARNED = 16;

interface Owner {
  readonly address: Address;
  readonly name: string;
  slots: number;
}

/** Which primary has which slot, as one node of the cluster sees it. */
export class SlotTable {
  private readonly owners: (Owner | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  /** Those that have a slot. */
  private readonly byName = new Map<string, Owner>();
  private filled = 0;
  private learned = 0;
  private keys: { readonly base: string; readonly found: string[] } | undefined;

  /** Ids of all nodes in the table; two clusters have none in common. */
  readonly nodeIds = new Set<string>();

  /**
   * Reads CLUSTER SLOTS: `[first, last, [host, port, id, …] of the primary, … of replicas]` for each range.
   * @param asked stands in where a node does not know its own host
   * @returns undefined for anything else, such as a slot that is named twice
   */
  static read(reply: unknown, asked: Address): SlotTable | undefined {
    if (!Array.isArray(reply)) return undefined;
    const table = new SlotTable();
    return (reply as unknown[]).every((range) => table.take(range, asked)) ? table : undefined;
  }

  ownerOf(slot: number): Address | undefined {
    return this.owners[slot]?.address;
  }

  /** `host:port` of the primary that has the slot; kept, since every command asks for it. */
  nameOf(slot: number): string | undefined {
    return this.owners[slot]?.name;
  }

  /**
   * Takes a redirection up.
   * @returns `same` when it is no news, `primaries` when one came or went, `refused` when too many came
   */
  assign(slot: number, to: Address): 'same' | 'moved' | 'primaries' | 'refused' {
    const name = describeAddress(to);
    const before = this.owners[slot];
    if (before?.name === name) return 'same';
    const news = !this.byName.has(name);
    if (news && this.learned >= MOST_LEARNED) return 'refused';
    if (news) this.learned += 1;
    this.give(slot, this.ownerNamed(name, to));
    return news || before?.slots === 0 ? 'primaries' : 'moved';
  }

  private ownerNamed(name: string, { host, port }: Address): Owner {
    const owner = this.byName.get(name) ?? { address: { host, port }, name, slots: 0 };
    this.byName.set(name, owner);
    return owner;
  }

  private give(slot: number, owner: Owner): void {
    const before = this.owners[slot];
    if (before) {
      before.slots -= 1;
      if (before.slots === 0) this.byName.delete(before.name);
    } else this.filled += 1;
    this.owners[slot] = owner;
    owner.slots += 1;
    this.keys = undefined;
  }

  /** @returns false when the range makes no sense */
  private take(range: unknown, asked: Address): boolean {
    if (!Array.isArray(range)) return false;
    const [first, last, ...nodes] = range as [unknown, unknown, ...unknown[]];
    const primary = readPrimary(nodes[0], asked);
    if (!primary || !isSlot(first) || !isSlot(last) || first > last) return false;
    const owner = this.ownerNamed(describeAddress(primary), primary);
    if (this.byName.size > MOST_PRIMARIES) return false;
    for (let slot = first; slot <= last; slot += 1) {
      // A million ranges over all slots would keep this process busy for minutes.
      if (this.owners[slot]) return false;
      this.give(slot, owner);
    }
    for (const node of nodes) if (Array.isArray(node)) this.nodeIds.add(String(node[2]));
    return true;
  }

  /** Those that have a slot, each once. */
  primaries(): Address[] {
    return [...this.byName.values()].map(({ address }) => address);
  }

  get covered(): boolean {
    return this.filled === SLOTS;
  }

  /**
   * A key for each primary, made of `base` and a number, so that every one of them can be asked. Looked for once:
   * for a primary with a single slot that takes some ten milliseconds.
   */
  keyPerPrimary(base: string): readonly string[] {
    if (this.keys?.base !== base) this.keys = { base, found: this.findKeys(base) };
    return this.keys.found;
  }

  private findKeys(base: string): string[] {
    const missing = new Set(this.byName.values());
    const found: string[] = [];
    for (let n = 0; missing.size > 0 && n < MOST_KEYS; n += 1) {
      const key = `${base}:${n}`;
      const owner = this.owners[keySlot(key)];
      if (owner && missing.delete(owner)) found.push(key);
    }
    return found;
  }
}

/** A node that does not know its own host gives none, or a question mark: it means the one that was asked. */
export function hostOr(said: unknown, asked: string): unknown {
  return said === null || said === '' || said === '?' ? asked : said;
}

function readPrimary(node: unknown, asked: Address): Address | undefined {
  if (!Array.isArray(node)) return undefined;
  const [said, given] = node as unknown[];
  return readAddress(hostOr(said, asked.host), given);
}

function isSlot(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < SLOTS;
}
