import { inspect } from 'node:util';

const CANARY = /canary/i;

/** Prints objects in every way that a careless caller might, and remembers where a secret was seen. */
export class Printed {
  readonly leaks: string[] = [];
  count = 0;
  private looked = 0;

  /** The leaks that were not given back yet. */
  freshLeaks(): string[] {
    const fresh = this.leaks.slice(this.looked);
    this.looked = this.leaks.length;
    return fresh;
  }

  /** @param except the one canary that may be shown here, such as the user in a status */
  add(value: unknown, { except }: { except?: string } = {}): void {
    this.count += 1;
    for (const text of renderings(value)) {
      const shown = except === undefined ? text : text.replaceAll(except, '');
      const at = shown.search(CANARY);
      if (at >= 0) this.leaks.push(shown.slice(Math.max(0, at - 80), at + 40));
    }
  }
}

function renderings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  const texts = [String(value), inspect(value), inspect(value, { depth: 10, showHidden: true })];
  texts.push(JSON.stringify(value) ?? '');
  return value instanceof Error ? [...texts, ...renderingsOfError(value)] : texts;
}

/** Also what is not enumerable, and every cause behind it. */
function renderingsOfError(error: Error): string[] {
  const own = Object.getOwnPropertyNames(error).map((name) =>
    inspect(Reflect.get(error, name), { depth: 10 }),
  );
  const behind: unknown[] = [error.cause, ...((Reflect.get(error, 'previousErrors') as unknown[]) ?? [])];
  return [
    ...own,
    error.message,
    error.stack ?? '',
    ...behind.flatMap((inner) => (inner === undefined ? [] : renderings(inner))),
  ];
}
