-- Forgets consumers that hold nothing: those of processes that have ended.
--
-- KEYS[1]  the stream
-- ARGV[1]  consumer group
-- ARGV[2]  only those that were silent for so long, milliseconds
-- ARGV[3]  only this one; empty: all
-- reply    how many were forgotten
--
-- Looking and forgetting are one step: what a consumer holds would be forgotten with it.

local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
if consumers.err then return 0 end

local dropped = 0
for _, row in ipairs(consumers) do
  local facts = {}
  for i = 1, #row, 2 do facts[row[i]] = row[i + 1] end
  local meant = ARGV[3] == '' or facts.name == ARGV[3]
  if meant and facts.pending == 0 and facts.idle >= tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], facts.name)
    dropped = dropped + 1
  end
end
return dropped
