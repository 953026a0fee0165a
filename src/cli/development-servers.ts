/** The servers of docker-compose.yml, one per purpose, and that of SQL; test/docs.spec.ts holds the two against each other. */
export const DEVELOPMENT_SERVERS: Readonly<Record<string, string>> = {
  RATE_LIMIT_REDIS_URL: 'redis://127.0.0.1:6381',
  AUTH_CACHE_REDIS_URL: 'redis://127.0.0.1:6382',
  SECURITY_TOKEN_REDIS_URL: 'redis://127.0.0.1:6383',
  BILLING_EVENTS_REDIS_URL: 'redis://127.0.0.1:6384',
  DATABASE_URL: 'postgres://bulkhead@127.0.0.1:5433/bulkhead',
};
