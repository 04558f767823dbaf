-- Set one slot aside for each of several residents. A resident's checks all come before the first
-- write for them. The same resident with the same request key gets the same slot again.
-- KEYS  1 meta  2 who  3 pending  4.. free list of each candidate release, in order
-- ARGV  1 epoch  2 now (Unix milliseconds; empty: this server's clock)  3 limit per resident
--       4 number of candidates
--       5.. for each candidate: position, opens (Unix milliseconds), closes (Unix milliseconds);
--       then for each resident: resident, request key
-- Returns for each resident {verdict} or {"SEAT", position, slot, ordinal, generation};
--         one {"NOT_READY"} when the gate is at another epoch
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return {{'NOT_READY'}}
end
local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local limit, candidates = tonumber(ARGV[3]), tonumber(ARGV[4])
local early, open = true, {}
for i = 1, candidates do
  if now >= tonumber(ARGV[3 * i + 3]) then
    early = false
    if now < tonumber(ARGV[3 * i + 4]) then
      open[#open + 1] = {ARGV[3 * i + 2], KEYS[3 + i]}
    end
  end
end

local function admit(resident, request)
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
  for _, release in ipairs(open) do
    if redis.call('LLEN', release[2]) > 0 then
      local slot = redis.call('LPOP', release[2])
      local field = resident .. ':' .. ordinal
      redis.call('ZADD', KEYS[3], now, field)
      redis.call('HSET', KEYS[2], field,
        'P|' .. release[1] .. '|' .. slot .. '|' .. generation .. '|' .. request)
      return {'SEAT', release[1], slot, tostring(ordinal), tostring(generation)}
    end
  end
  if early then
    return {'TOO_EARLY'}
  elseif #open == 0 then
    return {'CLOSED'}
  end
  return {'SOLD_OUT'}
end

local answers = {}
for i = 5 + 3 * candidates, #ARGV, 2 do
  answers[#answers + 1] = admit(ARGV[i], ARGV[i + 1])
end
return answers
