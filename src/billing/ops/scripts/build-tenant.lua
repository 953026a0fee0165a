-- Adds a page to what a tenant's stream is made of anew, and writes down how far that has come: both or neither.
--
-- KEYS[1]  lock of whoever builds
-- KEYS[2]  what is built, a stream with the ids of the log
-- KEYS[3]  how far it has come, a text
-- ARGV[1]  the text of the lock
-- ARGV[2]  entries that were built before this page; empty: it begins anew
-- ARGV[3]  the text to write down
-- ARGV[4]  life of both without a further page, milliseconds
-- Then of each entry 17:
-- ARGV     id, and names and values of eight fields
-- reply    1; 0 where the lock is another's; -1 where what was built is not what was left there. Nothing was written then
--
-- Whoever was frozen and woke up after its lock went to another one adds nothing to what that one builds.

local FIELDS = 16

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then
  redis.call('UNLINK', KEYS[2])
else
  local built = redis.pcall('XLEN', KEYS[2])
  if type(built) == 'table' then
    if not string.find(built.err, 'WRONGTYPE', 1, true) then return built end
    return -1
  end
  if built ~= tonumber(ARGV[2]) then return -1 end
end

for at = 5, #ARGV, FIELDS + 1 do
  redis.call('XADD', KEYS[2], ARGV[at], unpack(ARGV, at + 1, at + FIELDS))
end
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[4])
return 1
