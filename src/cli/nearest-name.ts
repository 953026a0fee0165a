/** The known name that was probably meant, undefined when none is near: a wrong guess is worse than none. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(name.toUpperCase(), candidate);
    if (distance < (best?.distance ?? Infinity)) best = { name: candidate, distance };
  }
  return best && best.distance <= Math.max(2, name.length / 4) ? best.name : undefined;
}

/** How many letters must be added, removed or replaced to make one text of the other. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 0; row < from.length; row += 1) {
    const current = [row + 1];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (from[row] === to[column - 1] ? 0 : 1);
      const added = (current[column - 1] ?? 0) + 1;
      current.push(Math.min(replaced, added, (previous[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
