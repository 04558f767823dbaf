-- Read one piece of a free list, as text.
-- KEYS  1 free list
-- ARGV  1 first index  2 last index
-- Returns the slots, parted by blanks
return table.concat(redis.call('LRANGE', KEYS[1], ARGV[1], ARGV[2]), ' ')
