-- Set one slot aside for each of several asks. All checks come before the first write. The same
-- resident with the same request key gets the same slot again.
-- KEYS  1 meta  2 who  3 pending  4.. free list of each candidate release, in order
-- ARGV  1 epoch  2 now (Unix milliseconds; empty: this server's clock)  3 limit per resident
--       4 "counted": no more seats than there are open places; empty: as many as there are slots
--       5 for each ask: resident (22 characters), request key (12 characters), run together;
--         asks times limit must stay within 3,000
--       6.. for each candidate: position, opens (Unix milliseconds), closes (Unix milliseconds)
-- Returns for each ask, parted by blanks: a verdict, or position.slot.generation.ordinal of a seat;
--         NOT_READY alone when the gate is at another epoch, UNCOUNTED when nobody has counted places
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return 'NOT_READY'
end
local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local places
if ARGV[4] ~= '' then
  local count = redis.call('HMGET', KEYS[1], 'until', 'given')
  if not count[1] then
    return 'UNCOUNTED'
  end
  places = tonumber(count[1]) - tonumber(count[2] or 0)
end
local early, open = true, {}
for i = 6, #ARGV, 3 do
  if now >= tonumber(ARGV[i + 1]) then
    early = false
    if now < tonumber(ARGV[i + 2]) then
      open[#open + 1] = {position = ARGV[i], key = KEYS[4 + (i - 6) / 3], taken = 0}
    end
  end
end
local refusal = early and 'TOO_EARLY' or #open == 0 and 'CLOSED' or 'SOLD_OUT'

local limit, asks = tonumber(ARGV[3]), ARGV[5]
local fields = {}
for i = 1, #asks, 34 do
  local resident = string.sub(asks, i, i + 21)
  for ordinal = 1, limit do
    fields[#fields + 1] = resident .. ordinal
  end
end
local held = redis.call('HMGET', KEYS[2], unpack(fields))
local pending = redis.call('HMGET', KEYS[3], unpack(fields))

-- Slots are read as far as all asks need them, and taken off their lists at the end.
local function next_seat()
  for _, release in ipairs(open) do
    release.slots = release.slots or redis.call('LRANGE', release.key, 0, #asks / 34 - 1)
    local slot = release.slots[release.taken + 1]
    if slot then
      release.taken = release.taken + 1
      return release.position .. '.' .. slot .. '.'
    end
  end
end

local answers, fresh, writes = {}, {}, {}
local stamp = string.format('%013d', now)

local function admit(first, request)
  local vacant, generation, waiting
  for ordinal = 1, limit do
    local at = first + ordinal
    local set_aside = fresh[fields[at]] or pending[at]
    local entry = set_aside and string.sub(set_aside, 14) or held[at]
    if not entry or string.byte(entry) == 45 then -- a minus: the generation that was returned
      if not vacant then
        vacant, generation = ordinal, entry and 1 - entry or 1
      end
    elseif string.sub(entry, 1, 12) == request then
      return string.sub(entry, 13) .. '.' .. ordinal
    elseif set_aside and not waiting then
      waiting = string.sub(entry, 13) .. '.' .. ordinal
    end
  end
  if not vacant then
    -- Another request of the same resident may have died half-way; whoever comes next finishes it.
    return waiting or 'LIMIT'
  end
  if places and places < 1 and #open > 0 then
    return 'FULL'
  end
  local seat = next_seat()
  if not seat then
    return refusal
  end
  places = places and places - 1
  seat = seat .. generation
  local field, value = fields[first + vacant], stamp .. request .. seat
  fresh[field] = value
  writes[#writes + 1] = field
  writes[#writes + 1] = value
  return seat .. '.' .. vacant
end

for i = 1, #asks, 34 do
  answers[#answers + 1] = admit((i - 1) / 34 * limit, string.sub(asks, i + 22, i + 33))
end
if #writes > 0 then
  redis.call('HSET', KEYS[3], unpack(writes))
  if places then
    redis.call('HINCRBY', KEYS[1], 'given', #writes / 2)
  end
  for _, release in ipairs(open) do
    if release.taken > 0 then
      redis.call('LTRIM', release.key, release.taken, -1)
    end
  end
end
return table.concat(answers, ' ')
