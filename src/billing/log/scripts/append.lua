-- Takes an event once: into the log and, with the same id, into the stream of its tenant.
--
-- KEYS[1]  log, a stream: t tenant, y type, e event, c created, o object, s sequence, f flags (s stale, r replayed), d data, z raw
-- KEYS[2]  stream of the tenant: the same without z
-- KEYS[3]  hash of sequences: a field is a tenant, its value how many entries it has had
-- KEYS[4]  mark of the event: `<entry id>.<sequence>.<1 where it was stale, else 0>`
-- KEYS[5]  sorted set of tenants that hold something, by when they are next to be trimmed
-- KEYS[6]  latest `created` of the object; left out where the event has none
-- KEYS[7]  mark of the telling, where ARGV[8] is 2; KEYS[6] then where the event has no object
-- ARGV     tenant, type, event, created (seconds since the epoch), object, data, raw (deflated), 0 where it has to be new, 1
--          where it is told once more, 2 where that is done once for each mark of the telling, life of marks in seconds
-- reply    texts: entry id, sequence, 1 where the event was there already, 1 where it is stale
--
-- Everything that can be refused is asked before the first write, so that a refusal leaves nothing behind: Redis takes
-- nothing back. An id comes from the server's clock, or follows the last one where that lies in the future.

-- An event from further in the future does not make those that come after it stale.
local MOST_AHEAD_SECONDS = 86400
-- Beyond this, numbers of Lua have gaps.
local MOST = 9007199254740991

local log, stream, sequences, mark = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local tenant, created, life = ARGV[1], tonumber(ARGV[4]), ARGV[9]
local telling = ARGV[8] == '2' and KEYS[#KEYS] or nil
local object = KEYS[6] ~= telling and KEYS[6] or nil

local function number(text)
  local value = type(text) == 'string' and string.match(text, '^[0-9]+$') and tonumber(text)
  return value and value <= MOST and value or nil
end

-- Something foreign in the place of a mark is no mark, and gives way to one. Any other refusal is raised by asking again.
local function read(key)
  local reply = redis.pcall('GET', key)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if not string.find(reply.err, 'WRONGTYPE', 1, true) then redis.call('GET', key) end
end

if ARGV[8] ~= '1' then
  local id, known, late = string.match(read(telling or mark) or '', '^([0-9]+%-[0-9]+)%.([0-9]+)%.([01])$')
  if id then return { id, known, '1', late } end
end

local latest = object and number(read(object))
local stale = latest ~= nil and created < latest

local sequence = number(redis.call('HGET', sequences, tenant))
if not sequence then
  -- The first of the tenant, or its count was lost: what is kept of its stream goes on.
  sequence = 0
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  local fields = last and last[2] or {}
  for at = 1, #fields, 2 do
    if fields[at] == 's' then sequence = number(fields[at + 1]) or 0 end
  end
end
sequence = string.format('%.0f', sequence + 1)

local flags = (stale and 's' or '') .. (ARGV[8] ~= '0' and 'r' or '')
local function toLog(id)
  return redis.call('XADD', log, id, 't', tenant, 'y', ARGV[2], 'e', ARGV[3], 'c', ARGV[4], 'o', ARGV[5],
    's', sequence, 'f', flags, 'd', ARGV[6], 'z', ARGV[7])
end
local function toTenant(id)
  return redis.pcall('XADD', stream, id, 't', tenant, 'y', ARGV[2], 'e', ARGV[3], 'c', ARGV[4], 'o', ARGV[5],
    's', sequence, 'f', flags, 'd', ARGV[6])
end

local id = toLog('*')
local kept = toTenant(id)
if type(kept) == 'table' then
  -- Foreign, or ahead of the log, which was lost or lies on a server whose clock was set back: the log follows it.
  redis.call('XDEL', log, id)
  local facts = redis.call('XINFO', 'STREAM', stream)
  local ahead
  for at = 1, #facts, 2 do
    if facts[at] == 'last-generated-id' then ahead = number(string.match(facts[at + 1], '^[0-9]+')) end
  end
  if not ahead or ahead >= MOST then return redis.error_reply('EXHAUSTED the stream of the tenant takes no further id') end
  id = toLog(string.format('%.0f-0', ahead + 1))
  kept = toTenant(id)
  if type(kept) == 'table' then
    redis.call('XDEL', log, id)
    return kept
  end
end

redis.call('HSET', sequences, tenant, sequence)
local where = id .. '.' .. sequence .. '.' .. (stale and '1' or '0')
redis.call('SET', mark, where, 'EX', life)
if telling then redis.call('SET', telling, where, 'EX', life) end
if object and not stale and created <= tonumber(string.match(id, '^[0-9]+')) / 1000 + MOST_AHEAD_SECONDS then
  redis.call('SET', object, ARGV[4], 'EX', life)
end
-- Foreign: the tenant is not trimmed, which is no reason to lose an event.
redis.pcall('ZADD', KEYS[5], 'NX', '0', tenant)
return { id, sequence, '0', stale and '1' or '0' }
