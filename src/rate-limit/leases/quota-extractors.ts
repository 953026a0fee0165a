import { EXTRACTORS, type Extractor, type ExtractorTable } from '../http/extractors.js';

/** As the limits of routes spell it, so that both count one subject: HEAD is GET without the body of its answer. */
const ROUTE: Extractor = {
  known: 'arrival',
  of: ({ routeOptions: { method, url = '' } }) =>
    `${typeof method === 'string' ? method.replace('HEAD', 'GET') : 'ALL'} ${url}`,
};

/** How a request tells who opens a stream. */
export function quotaExtractors(own: ExtractorTable = {}): ExtractorTable {
  return { route: ROUTE, ...EXTRACTORS, ...own };
}
