-- Settles entries that a consumer was given.
--
-- KEYS[1]  the stream
-- ARGV[1]  consumer group
-- ARGV[2…] ids
-- reply    a text: of each id 1 where the group still held it, else 0

local said = {}
for at = 2, #ARGV do
  said[at - 1] = redis.call('XACK', KEYS[1], ARGV[1], ARGV[at]) == 1 and '1' or '0'
end
return table.concat(said)
