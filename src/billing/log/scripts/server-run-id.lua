#!lua flags=no-writes
-- Says which run of which server holds the log: another one after a restart and after a fail-over.
--
-- KEYS[1]  log; in a cluster it says which server is asked
-- reply    text: 40 hexadecimal digits; empty where the server does not say

return string.match(redis.call('INFO', 'server'), 'run_id:([0-9a-f]+)') or ''
