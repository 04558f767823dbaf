-- Say how many seats were given that the books, read from now on, may not know of yet; or, once they
-- were read, until how many may be given.
-- KEYS  1 meta  2 pending
-- ARGV  1 epoch  2 until how many seats may be given (empty: only say)
-- Returns the seats that were given less those that are pending, or nothing when the gate is at another
--         epoch
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return false
end
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[1], 'until', ARGV[2])
end
local pending = redis.call('HLEN', KEYS[2]) - redis.call('HEXISTS', KEYS[2], 'wide')
return tonumber(redis.call('HGET', KEYS[1], 'given') or 0) - pending
