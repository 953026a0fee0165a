-- Lets a signed request in once: keeps its nonce for as long as the request could be sent again.
--
-- KEYS[1]  birth of a key id, a hash without a TTL: born, server, until, seen
-- KEYS[2]  nonces of the key id, a sorted set: a member is a digest, its score the end of its request
-- ARGV[1]  digest of the nonce; empty: nothing is used, only the birth is looked after
-- ARGV[2]  when the request was issued
-- ARGV[3]  until when it may be accepted, skew included
-- ARGV[4]  skew: how far the clocks of those who sign may be off, milliseconds
-- reply    a text and two numbers: outcome (`fresh`, `replayed`, `lost`, `stale`); milliseconds until requests that are
--          issued then are let in (0: they are); 1 where the birth was set by this call
--
-- All moments are milliseconds since the epoch by the server's clock. Requests issued before `born` are refused, since
-- nobody could tell whether they were let in before. `born` moves to now and skew wherever nonces may be missing:
--   no birth           first use, FLUSHALL, eviction of the birth, a restart without data
--   another `server`   run id and replication id: a restart that lost its last second, a fail-over to a lagging replica
--   nonces gone before `until`, the end of the last one: eviction of the nonces
--   a clock behind `seen`, the moment of the last call: nonces may have been cleared before their end
--   something foreign in the place of the nonces
-- The server is asked who it is here and not by the caller: the replication id of a healthy server changes, too, and
-- two callers that learned it at different times would take turns in moving the birth.

-- A clock that is set back by no more than this is not worth a loss; nonces are kept for as much longer.
local SLACK_MS = 1000
-- More than come in with one call, so that what has ended goes, and not so many that a call takes long.
local CLEARED_AT_ONCE = 20

local function text(n) return string.format('%.0f', n) end

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local issued, ends, skew = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local info = redis.call('INFO', 'server', 'replication')
local server = (string.match(info, 'run_id:([0-9a-f]+)') or '?') .. ':' .. (string.match(info, 'master_replid:([0-9a-f]+)') or '?')

-- Something foreign gives way, and is a loss. Any other error is raised by asking again: it is no answer.
local function read(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if not string.find(reply.err, 'WRONGTYPE', 1, true) then redis.call(...) end
  redis.call('UNLINK', (select(2, ...)))
end

local state = read('HMGET', KEYS[1], 'born', 'server', 'until', 'seen') or {}
local function moment(value) return value and string.match(value, '^[0-9]+$') and tonumber(value) end
local born, last, seen = moment(state[1]), moment(state[3]), moment(state[4])
local known = ARGV[1] ~= '' and read('ZSCORE', KEYS[2], ARGV[1])
local foreign = known == nil

local moved = 0
if foreign or not (born and last and seen) or state[2] ~= server or seen > now + SLACK_MS or born > now + skew
  or (last > now and redis.call('EXISTS', KEYS[2]) == 0) then
  born, last, seen, moved = now + skew, now, now, 1
end

local stale = ends <= now or issued > now + skew
local fresh = ARGV[1] ~= '' and not stale and issued >= born and not known
if fresh then last = math.max(last, ends) end

-- First what is to be expected, then the nonce: where the server stops between the two, a nonce counts as lost.
redis.call('HSET', KEYS[1], 'born', text(born), 'server', server, 'until', text(last), 'seen', text(math.max(now, seen)))
if ARGV[1] == '' then return { 'lost', math.max(0, born - now), moved } end
-- What was let in before a loss was issued before `born` for certain, because nothing is let in from further ahead.
if stale then return { 'stale', 0, moved } end
if issued < born then return { 'lost', math.max(0, born - now), moved } end
if known then return { 'replayed', 0, moved } end

redis.call('ZADD', KEYS[2], text(ends), ARGV[1])
redis.call('PEXPIRE', KEYS[2], text(last - now + SLACK_MS))
local over = redis.call('ZRANGE', KEYS[2], '-inf', text(now - SLACK_MS), 'BYSCORE', 'LIMIT', 0, CLEARED_AT_ONCE)
if #over > 0 then redis.call('ZREM', KEYS[2], unpack(over)) end
return { 'fresh', 0, moved }
