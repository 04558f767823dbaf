-- Settle slots that were set aside: confirm those that PostgreSQL holds, free those that it does not.
-- A slot is only touched if it is still pending as the caller saw it.
-- KEYS  1 meta  2 who  3 pending  4.. free list of each release named below, in order
-- ARGV  1 epoch  2.. for each: "confirm" or "free", resident:ordinal, release position, slot, generation
-- Returns the number settled, or -1 when the gate is at another epoch
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return -1
end
local settled = 0
for i = 2, #ARGV, 5 do
  local verb, field, seat = ARGV[i], ARGV[i + 1], ARGV[i + 2] .. '|' .. ARGV[i + 3] .. '|' .. ARGV[i + 4]
  local held = redis.call('HGET', KEYS[2], field)
  if held and string.sub(held, 1, #seat + 3) == 'P|' .. seat .. '|' then
    if verb == 'confirm' then
      redis.call('HSET', KEYS[2], field, 'H' .. string.sub(held, 2))
    else
      redis.call('RPUSH', KEYS[4 + (i - 2) / 5], ARGV[i + 3])
      local before = tonumber(ARGV[i + 4]) - 1
      if before > 0 then
        redis.call('HSET', KEYS[2], field, 'R|0|0|' .. before .. '|')
      else
        redis.call('HDEL', KEYS[2], field)
      end
    end
    settled = settled + 1
  end
  redis.call('ZREM', KEYS[3], field)
end
return settled
