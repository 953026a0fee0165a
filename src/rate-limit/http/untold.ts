/** What is said at the start of dimensions that no request tells. */

/** @param counter what counts by it: `policy "chat"` */
export function untoldDimension(counter: string, dimension: string): string {
  return `${counter} counts by ${dimension}, which no extractor tells; ${giveExtractor(dimension)}`;
}

export function giveExtractor(dimension: string): string {
  return `name one in src/app.features.ts: rateLimit: { extractors: { ${dimension}: … } }`;
}

export function sleepingLimit(limit: string, dimension: string): string {
  return `limit "${limit}" applies to nobody, for nothing tells the ${dimension} of a request`;
}
