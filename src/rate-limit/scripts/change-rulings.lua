-- Changes one ruling of the operators, and the version that tells all instances of it.
--
-- KEYS[1]   version, a whole number
-- KEYS[2]   sorted set: a member is a blocked subject, its score the end of the block in milliseconds since the epoch
-- KEYS[3]   hash: a field says what is overridden and for whom, its value by what
-- ARGV[1]   life of version and overrides in milliseconds, from this change on
-- ARGV[2]   longest block in milliseconds
-- ARGV[3…]  `block`, most blocks, milliseconds, member · `unblock`, members
--           `override`, most overrides, field, value · `lift`, field
-- reply     outcome: 1 changed, 0 there was nothing to change, -1 there are too many; version before; version after; keys
--           that held something foreign, which were replaced
--
-- The version is the server's time in microseconds, and more than it was, unless that was a day ahead and so none of
-- ours: it is another one as well after the server has lost it. Every key that is written gets a TTL; that of the blocks
-- is a second longer than the one that ends last.

local clock = redis.call('TIME')
local now_us = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local now = math.floor(now_us / 1000)
local life, longest, operation = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local broken = 0

local function whole(number) return string.format('%.0f', number) end

local function read_version()
  local version = tonumber(redis.pcall('GET', KEYS[1])) or 0
  if version >= 0 and version < 9007199254740992 and version == math.floor(version) then return version end
  return 0
end

local before = read_version()

local function bump()
  local version = now_us
  -- A version far ahead is not one of ours, and counting on from it would not end well.
  if before >= version and before < version + 86400000000 then version = before + 1 end
  redis.call('SET', KEYS[1], whole(version), 'PX', life)
  return version
end

-- Runs a command on a key that may hold something else than it should; then the key is emptied first.
local function firmly(key, ...)
  local answer = redis.pcall(...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  redis.call('UNLINK', key)
  broken = broken + 1
  return redis.call(...)
end

local function change()
  if operation == 'block' then
    local most, ends, member = tonumber(ARGV[4]), now + tonumber(ARGV[5]), ARGV[6]
    firmly(KEYS[2], 'ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
    redis.call('ZREMRANGEBYSCORE', KEYS[2], '(' .. whole(now + longest), '+inf')
    if redis.call('ZCARD', KEYS[2]) >= most and not redis.call('ZSCORE', KEYS[2], member) then return -1 end
    redis.call('ZADD', KEYS[2], whole(ends), member)
    local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
    redis.call('PEXPIRE', KEYS[2], whole(tonumber(last[2]) - now + 1000))
    return 1
  elseif operation == 'unblock' then
    local members = {}
    for i = 4, #ARGV do members[i - 3] = ARGV[i] end
    return math.min(1, firmly(KEYS[2], 'ZREM', KEYS[2], unpack(members)))
  elseif operation == 'override' then
    local most, field, value = tonumber(ARGV[4]), ARGV[5], ARGV[6]
    if firmly(KEYS[3], 'HLEN', KEYS[3]) >= most and not redis.call('HGET', KEYS[3], field) then return -1 end
    redis.call('HSET', KEYS[3], field, value)
    redis.call('PEXPIRE', KEYS[3], whole(life))
    return 1
  end
  return firmly(KEYS[3], 'HDEL', KEYS[3], ARGV[4])
end

local outcome = change()
local after = outcome == 1 and bump() or before
return { outcome, before, after, broken }
