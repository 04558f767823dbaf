-- Put one piece of a gate that is being filled beside the one that stands; it is switched on later.
-- The same piece again changes nothing.
-- KEYS  1 filled who  2 filled free list of the release
-- ARGV  1 lines "resident+ordinal value" (may be empty)
--       2 free slots in order as ranges, "1-20 25-25" (may be empty)
--       3 how many slots the list has before this piece
-- Returns 1
local some = {}
for part in string.gmatch(ARGV[1], '%S+') do
  some[#some + 1] = part
  if #some == 400 then
    redis.call('HSET', KEYS[1], unpack(some))
    some = {}
  end
end
if #some > 0 then
  redis.call('HSET', KEYS[1], unpack(some))
end
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[3]) then
  return 1
end
some = {}
for first, last in string.gmatch(ARGV[2], '(%d+)-(%d+)') do
  for slot = tonumber(first), tonumber(last) do
    some[#some + 1] = string.format('%d', slot)
    if #some == 400 then
      redis.call('RPUSH', KEYS[2], unpack(some))
      some = {}
    end
  end
end
if #some > 0 then
  redis.call('RPUSH', KEYS[2], unpack(some))
end
return 1
