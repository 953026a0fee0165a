-- One heartbeat of an instance: says that it is there, counts those that are, and keeps what operators have set alive.
--
-- KEYS[1]   sorted set: a member is an instance, its score the end of its life in milliseconds since the epoch
-- KEYS[2]   version of what operators have set · KEYS[3] sorted set of the blocks · KEYS[4] hash of the overrides
-- ARGV[1]   the instance · ARGV[2] its life in milliseconds without a further beat
-- ARGV[3]   life of version and overrides in milliseconds, from this beat on
-- reply     instances, this one included; keys that held something foreign; blocks; overrides
--
-- The time is the server's. A set of instances that nobody renews is gone after one life.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local ends = now + tonumber(ARGV[2])
local broken = 0

local function whole(number) return string.format('%.0f', number) end

local function count(key, ...)
  local answer = redis.pcall(...)
  if type(answer) == 'number' then return answer end
  broken = broken + 1
  return 0
end

if type(redis.pcall('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)) == 'table' then
  redis.call('UNLINK', KEYS[1])
  broken = broken + 1
end
-- Further ahead than an instance lives: foreign, or the server's clock was set back. Who is there will beat again.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. whole(ends), '+inf')
redis.call('ZADD', KEYS[1], whole(ends), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local instances = redis.call('ZCARD', KEYS[1])

redis.pcall('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
local blocks = count(KEYS[3], 'ZCARD', KEYS[3])
local overrides = count(KEYS[4], 'HLEN', KEYS[4])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('PEXPIRE', KEYS[4], ARGV[3])

return { instances, broken, blocks, overrides }
