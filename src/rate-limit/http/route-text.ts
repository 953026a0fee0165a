/** As Fastify has it of a route; several methods mean all that it answers. */
interface Route {
  readonly method?: string | readonly string[] | undefined;
  readonly url?: string | undefined;
}

/** Whom the dimension `route` counts: `GET /v1/items/:id`. HEAD is GET without the body of its answer. */
export function routeText({ method, url = '' }: Route): string {
  return `${typeof method === 'string' ? method.replace('HEAD', 'GET') : 'ALL'} ${url}`;
}
