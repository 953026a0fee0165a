-- Takes events, each once: into the log and, with the same id, into the stream of its tenant.
--
-- KEYS[1]  log, a stream: t tenant, y type, e event, c created, o object, s sequence, f flags (s stale, r replayed), d data, z raw
-- KEYS[2]  hash of sequences: a field is a tenant, its value how many entries it has had
-- KEYS[3]  sorted set of tenants that hold something, by when they are next to be trimmed
-- Then of each event:
-- KEYS     stream of the tenant: the same without z
--          mark of the event: `<entry id>.<sequence>.<1 where it was stale, else 0>`
--          latest `created` of the object; left out where the event has none
--          mark of the telling; left out unless the event's last argument is 2
-- ARGV[1]  life of marks in seconds
-- Then of each event eight:
-- ARGV     tenant, type, event, created (seconds since the epoch), object, data, raw (deflated), 0 where it has to be new, 1
--          where it is told once more, 2 where that is done once for each mark of the telling
-- reply    of each event a text: its mark and `.1` where it was there already, else `.0`; or `!` and why this one was refused
--
-- One event after the other, each whole: everything that can be refused is asked before its first write, so that a refusal
-- leaves nothing of it behind and its neighbours as they are. What the server refuses to all ends the call: who was told
-- nothing comes again and is answered with what was kept. An id comes from the server's clock, or follows the last one where
-- that lies in the future.

-- An event from further in the future does not make those that come after it stale.
local MOST_AHEAD_SECONDS = 86400
-- Beyond this, numbers of Lua have gaps.
local MOST = 9007199254740991
local LARGEST_OF_ID = '18446744073709551615'
local ARGUMENTS = 8
-- Speaks of the keys of one event, not of the server.
local OWN = { WRONGTYPE = true, EXHAUSTED = true }

local log, sequences, tenants, life = KEYS[1], KEYS[2], KEYS[3], ARGV[1]

local function number(text)
  local value = type(text) == 'string' and string.match(text, '^[0-9]+$') and tonumber(text)
  return value and value <= MOST and value or nil
end

-- A text is what both engines hand to pcall as it was raised.
local function call(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then error(reply.err, 0) end
  return reply
end

-- Something foreign in the place of a mark is no mark, and gives way to one.
local function read(key)
  local reply = redis.pcall('GET', key)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err, 0) end
end

-- Decimals without leading zeros, of 64 bits.
local function partOfId(digits)
  if digits ~= '0' and not string.find(digits, '^[1-9]') then return false end
  return #digits < #LARGEST_OF_ID or (#digits == #LARGEST_OF_ID and digits <= LARGEST_OF_ID)
end

-- What nobody could read back is no mark.
local function markOf(text)
  local ms, rest, sequence = string.match(text or '', '^([0-9]+)%-([0-9]+)%.([0-9]+)%.[01]$')
  return ms and partOfId(ms) and partOfId(rest) and number(sequence) and text
end

-- The last number that can be read has none behind it: it is foreign, as what is no number.
local function last(text)
  local sequence = number(text)
  return sequence and sequence < MOST and sequence or nil
end

local function nextSequence(stream, tenant)
  local sequence = last(call('HGET', sequences, tenant))
  if not sequence then
    -- The first of the tenant, or its count was lost or is foreign: what is kept of its stream goes on.
    sequence = 0
    local newest = call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
    local fields = newest and newest[2] or {}
    for at = 1, #fields, 2 do
      if fields[at] == 's' then sequence = last(fields[at + 1]) or 0 end
    end
  end
  return string.format('%.0f', sequence + 1)
end

local function add(event, sequence, flags)
  local stream, at, tenant = event.stream, event.at, event.tenant
  local function toLog(id)
    local added = redis.pcall('XADD', log, id, 't', tenant, 'y', ARGV[at + 1], 'e', ARGV[at + 2], 'c', ARGV[at + 3],
      'o', ARGV[at + 4], 's', sequence, 'f', flags, 'd', ARGV[at + 5], 'z', ARGV[at + 6])
    if type(added) ~= 'table' then return added end
    if not string.find(added.err, 'exhausted', 1, true) then error(added.err, 0) end
    error('LOGEXHAUSTED somebody has added the last id that there is to the log: docs/billing.md says how to go on', 0)
  end
  local function toTenant(id)
    return redis.pcall('XADD', stream, id, 't', tenant, 'y', ARGV[at + 1], 'e', ARGV[at + 2], 'c', ARGV[at + 3],
      'o', ARGV[at + 4], 's', sequence, 'f', flags, 'd', ARGV[at + 5])
  end
  local id = toLog('*')
  local kept = toTenant(id)
  if type(kept) ~= 'table' then return id end
  -- Foreign, or ahead of the log, which was lost or lies on a server whose clock was set back: the log follows it.
  call('XDEL', log, id)
  local facts = call('XINFO', 'STREAM', stream)
  local ahead
  for fact = 1, #facts, 2 do
    if facts[fact] == 'last-generated-id' then ahead = number(string.match(facts[fact + 1], '^[0-9]+')) end
  end
  if not ahead or ahead >= MOST then error('EXHAUSTED the stream of the tenant takes no further id: rebuild it, by billing replay --to tenant-stream', 0) end
  id = toLog(string.format('%.0f-0', ahead + 1))
  kept = toTenant(id)
  if type(kept) ~= 'table' then return id end
  call('XDEL', log, id)
  error(kept.err, 0)
end

local function take(event)
  local created, flag, object, telling = tonumber(ARGV[event.at + 3]), ARGV[event.at + 7], event.object, event.telling
  if flag ~= '1' then
    local known = markOf(read(telling or event.mark))
    if known then return known .. '.1' end
  end
  local latest = object and number(read(object))
  local stale = latest ~= nil and created < latest
  local sequence = nextSequence(event.stream, event.tenant)
  local id = add(event, sequence, (stale and 's' or '') .. (flag ~= '0' and 'r' or ''))
  call('HSET', sequences, event.tenant, sequence)
  local where = id .. '.' .. sequence .. '.' .. (stale and '1' or '0')
  call('SET', event.mark, where, 'EX', life)
  if telling then call('SET', telling, where, 'EX', life) end
  if object and not stale and created <= tonumber(string.match(id, '^[0-9]+')) / 1000 + MOST_AHEAD_SECONDS then
    call('SET', object, ARGV[event.at + 3], 'EX', life)
  end
  -- Foreign: the tenant is not trimmed, which is no reason to lose an event.
  redis.pcall('ZADD', tenants, 'NX', '0', event.tenant)
  return where .. '.0'
end

local answers, key = {}, 3
local function nextKey(named)
  if not named then return nil end
  key = key + 1
  return KEYS[key]
end
for at = 2, #ARGV, ARGUMENTS do
  local event = { at = at, tenant = ARGV[at], stream = nextKey(true), mark = nextKey(true) }
  event.object = nextKey(ARGV[at + 4] ~= '')
  event.telling = nextKey(ARGV[at + 7] == '2')
  local done, said = pcall(take, event)
  if done then
    answers[#answers + 1] = said
  elseif OWN[string.match(said, '^%u+')] then
    answers[#answers + 1] = '!' .. said
  else
    return redis.error_reply(said .. ' script: append')
  end
end
return answers
