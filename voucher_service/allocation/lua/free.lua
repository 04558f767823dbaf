-- Count the free slots of each release.
-- KEYS  1 meta  2.. free list of each release
-- ARGV  1 epoch
-- Returns the counts, parted by blanks, or nothing when the gate is at another epoch
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return false
end
local counts = {}
for i = 2, #KEYS do
  counts[i - 1] = redis.call('LLEN', KEYS[i])
end
return table.concat(counts, ' ')
