import { EXTRACTORS, type Extractor, type ExtractorTable } from '../http/extractors.js';
import { routeText } from '../http/route-text.js';

/** As the limits of routes have it, so that both count one subject. */
const ROUTE: Extractor = { known: 'arrival', of: ({ routeOptions }) => routeText(routeOptions) };

/** How a request tells who opens a stream. */
export function quotaExtractors(own: ExtractorTable = {}): ExtractorTable {
  return { route: ROUTE, ...EXTRACTORS, ...own };
}
