-- Takes entries over that somebody was given and has not settled for a while.
--
-- KEYS[1]  the stream
-- ARGV[1]  consumer group
-- ARGV[2]  consumer that takes them
-- ARGV[3]  only what was left alone for so long, milliseconds
-- ARGV[4]  where to go on, as XPENDING has it; `-` at first
-- ARGV[5]  entries at most
-- ARGV[6]  deliveries from which on an entry is suspected to be what ends the processes that have it
-- ARGV[7]  1 where the consumer has nothing else in its hands
-- reply    where to go on (`-`: all were looked at); 1 where the one entry is to be performed alone; 1 where suspected
--          entries wait for that; then of each entry: id, deliveries with this one, fields and values as a list
--
-- A suspected entry is given to nobody who has others: when it ends that process too, no other entry is delivered once
-- more for it. Those that were delivered least come first: processes that end for another reason, one after the other,
-- use up the deliveries of all of them and not of one. What was deleted from the stream is dropped from the group by the server.

local PAGE = 100

local most, suspectedFrom = tonumber(ARGV[5]), tonumber(ARGV[6])
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], ARGV[4], '+', PAGE)

local ids, deliveries, suspect, last = {}, {}, nil, nil
for _, row in ipairs(pending) do
  local id, count = row[1], row[4]
  deliveries[id] = count + 1
  if count < suspectedFrom then
    if #ids == most then break end
    ids[#ids + 1] = id
  elseif not suspect or count < deliveries[suspect] - 1 then
    suspect = id
  end
  last = id
end

local alone, waiting = 0, suspect and 1 or 0
if suspect and #ids == 0 and ARGV[7] == '1' then
  ids, alone, waiting = { suspect }, 1, 0
end

local finished = last == nil or (#pending < PAGE and last == pending[#pending][1])
local reply = { finished and '-' or '(' .. last, alone, waiting }
if #ids == 0 then return reply end

for _, entry in ipairs(redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], unpack(ids))) do
  if entry and entry[2] then reply[#reply + 1] = { entry[1], deliveries[entry[1]], entry[2] } end
end
return reply
