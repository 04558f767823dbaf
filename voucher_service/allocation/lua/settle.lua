-- Settle slots that were set aside: confirm those that PostgreSQL holds, free those that it does not.
-- A slot is only touched if it is still pending as the caller saw it.
-- KEYS  1 meta  2 who  3 pending  4.. free lists of releases in which slots are freed
-- ARGV  1 epoch
--       2 for each seat "taker resident+ordinal position.slot.generation", all parted by blanks; taker
--         is the request key (12 characters) of the row that holds it, which may be another than that
--         it was set aside for, or which of the free lists, from 1, takes the slot back; 3,000 at most
-- Returns the number settled, -1 when the gate is at another epoch, or -2 when a seat that PostgreSQL
--         holds was freed meanwhile, so that its slot may be given out again
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return -1
end
local takers, fields, seats = {}, {}, {}
for taker, field, seat in string.gmatch(ARGV[2], '(%S+) (%S+) (%S+)') do
  local i = #fields + 1
  takers[i], fields[i], seats[i] = taker, field, seat
end
local pending = redis.call('HMGET', KEYS[3], unpack(fields))
local settled, confirmed, seen, doubted = {}, {}, {}, {}
for i, field in ipairs(fields) do
  if pending[i] and not seen[field] and string.sub(pending[i], 26) == seats[i] then
    seen[field] = true
    settled[#settled + 1] = field
    if #takers[i] == 12 then
      confirmed[#confirmed + 1] = field
      confirmed[#confirmed + 1] = takers[i] .. seats[i]
    else
      redis.call('RPUSH', KEYS[3 + takers[i]], string.match(seats[i], '%.(%d+)%.'))
    end
  elseif #takers[i] == 12 and not seen[field] then
    doubted[#doubted + 1] = i
  end
end
if #confirmed > 0 then
  redis.call('HSET', KEYS[2], unpack(confirmed))
end
if #settled > 0 then
  redis.call('HDEL', KEYS[3], unpack(settled))
end
for _, i in ipairs(doubted) do
  local held = redis.call('HGET', KEYS[2], fields[i])
  if not held or string.sub(held, 13) ~= seats[i] then
    return -2
  end
end
return #settled
