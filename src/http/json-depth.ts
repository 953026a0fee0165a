const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = [0x5b, 0x7b];
const CLOSING = [0x5d, 0x7d];

/**
 * Whether arrays and objects of a JSON text stand in each other deeper than so many levels. Whatever walks a value by
 * recursion ends with a fault on one that is nested ten thousand levels deep. A text that is no JSON may get any answer.
 */
export function isDeeperThan(levels: number, json: Buffer): boolean {
  // Nearly every body: it has not even as many brackets.
  return OPENING.some((bracket) => countOf(bracket, json, levels) > levels / 2) && scan(levels, json);
}

/** Stops counting soon after `most`. */
function countOf(byte: number, text: Buffer, most: number): number {
  let count = 0;
  for (let at = text.indexOf(byte); at >= 0 && count <= most; at = text.indexOf(byte, at + 1)) count += 1;
  return count;
}

function scan(levels: number, json: Buffer): boolean {
  let depth = 0;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at] as number;
    if (byte === QUOTE) at = endOfText(json, at);
    else if (OPENING.includes(byte)) {
      depth += 1;
      if (depth > levels) return true;
    } else if (CLOSING.includes(byte)) depth -= 1;
  }
  return false;
}

/** @returns the place of the closing quote */
function endOfText(json: Buffer, start: number): number {
  for (let at = start + 1; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === BACKSLASH) at += 1;
    else if (byte === QUOTE) return at;
  }
  return json.length;
}
