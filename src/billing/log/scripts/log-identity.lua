-- Says which run of which server holds the log, and which log that is.
--
-- KEYS[1]  log; in a cluster it says which server is asked
-- ARGV[1]  what the log is called by from now on, where it has no name yet: hexadecimal digits
-- reply    texts: 40 hexadecimal digits, another number after a restart and after a fail-over; the name of the log, another
--          one after it was deleted. The number is empty where the server does not say
--
-- The name is a consumer group that nobody reads with: it lives and dies with the log, also where a server is emptied and
-- goes on running.

local run = string.match(redis.call('INFO', 'server'), 'run_id:([0-9a-f]+)') or ''

local groups = redis.pcall('XINFO', 'GROUPS', KEYS[1])
if groups.err and not string.find(groups.err, 'no such key', 1, true) then return groups end
for _, group in ipairs(groups) do
  for at = 1, #group, 2 do
    local name = group[at] == 'name' and string.match(group[at + 1], '^birth%-([0-9a-f]+)$')
    if name then return { run, name } end
  end
end
redis.call('XGROUP', 'CREATE', KEYS[1], 'birth-' .. ARGV[1], '0', 'MKSTREAM')
return { run, ARGV[1] }
