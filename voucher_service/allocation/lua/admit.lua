-- Set one slot aside for a resident. Every check comes before the first write.
-- The same resident with the same request key gets the same slot again, however often.
-- KEYS  1 meta  2 who  3 pending  4.. free list of each candidate release, in order
-- ARGV  1 epoch  2 now (Unix milliseconds; empty: this server's clock)  3 resident  4 limit per resident
--       5 request key
--       6.. for each candidate: position, opens (Unix milliseconds), closes (Unix milliseconds)
-- Returns {verdict} or {"SEAT", position, slot, ordinal, generation}
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return {'NOT_READY'}
end
local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local resident, limit, request = ARGV[3], tonumber(ARGV[4]), ARGV[5]

local ordinal, generation, pending
for i = 1, limit do
  local held = redis.call('HGET', KEYS[2], resident .. ':' .. i)
  if held then
    local state, position, slot, times, key = string.match(held, '^(%a)|(%d+)|(%d+)|(%d+)|(.*)$')
    if state ~= 'R' and key == request then
      return {'SEAT', position, slot, tostring(i), times}
    elseif state == 'P' then
      pending = pending or {'SEAT', position, slot, tostring(i), times}
    elseif state == 'R' and not ordinal then
      ordinal, generation = i, tonumber(times) + 1
    end
  elseif not ordinal then
    ordinal, generation = i, 1
  end
end
if not ordinal then
  -- Another request of the same resident may have died half-way; whoever comes next finishes it.
  return pending or {'LIMIT'}
end

local early, open = true, false
for i = 6, #ARGV, 3 do
  if now >= tonumber(ARGV[i + 1]) then
    early = false
    if now < tonumber(ARGV[i + 2]) then
      open = true
      local free = KEYS[4 + (i - 6) / 3]
      if redis.call('LLEN', free) > 0 then
        local slot = redis.call('LPOP', free)
        local field = resident .. ':' .. ordinal
        redis.call('ZADD', KEYS[3], now, field)
        redis.call('HSET', KEYS[2], field,
          'P|' .. ARGV[i] .. '|' .. slot .. '|' .. generation .. '|' .. request)
        return {'SEAT', ARGV[i], slot, tostring(ordinal), tostring(generation)}
      end
    end
  end
end
if early then
  return {'TOO_EARLY'}
elseif not open then
  return {'CLOSED'}
end
return {'SOLD_OUT'}
