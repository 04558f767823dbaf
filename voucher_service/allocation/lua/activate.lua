-- Put a freshly filled gate in place of the old one, unless a newer one stands there.
-- KEYS  1 meta  2 who  3 pending  4 filled who  5.. pairs: free list, filled free list
-- ARGV  1 epoch  2 entries that were loaded  3.. for each pair: free slots that were loaded
-- Returns 1, or 0 when the gate is at the same or a later epoch, or when some of it was lost since
local standing = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '-1')
if standing >= tonumber(ARGV[1]) then
  return 0
end
local whole = redis.call('HLEN', KEYS[4]) == tonumber(ARGV[2])
for i = 6, #KEYS, 2 do
  whole = whole and redis.call('LLEN', KEYS[i]) == tonumber(ARGV[i / 2])
end
if not whole then
  return 0
end
redis.call('UNLINK', KEYS[2], KEYS[3])
-- A small hash is kept as a list, and each look-up walks it: with 250 seats pending that doubles what
-- a claim costs here. One long value makes it a table, and keeps it there while it is empty.
redis.call('HSET', KEYS[3], 'wide', string.rep('-', 65))
if redis.call('EXISTS', KEYS[4]) == 1 then
  redis.call('RENAME', KEYS[4], KEYS[2])
end
for i = 5, #KEYS, 2 do
  redis.call('UNLINK', KEYS[i])
  if redis.call('EXISTS', KEYS[i + 1]) == 1 then
    redis.call('RENAME', KEYS[i + 1], KEYS[i])
  end
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1])
-- Places are counted anew: what was counted may be of a server that lost what it gave.
redis.call('HDEL', KEYS[1], 'given', 'until')
return 1
