-- Read one piece of who was given what, as text: a reply of many small parts is slow to take apart.
-- KEYS  1 who
-- ARGV  1 cursor  2 about how many
-- Returns {next cursor, lines "resident:ordinal value" of those who hold, the same of all others}
local found = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local held, others = {}, {}
for i = 1, #found[2], 2 do
  local line = found[2][i] .. ' ' .. found[2][i + 1]
  if string.sub(found[2][i + 1], 1, 2) == 'H|' then
    held[#held + 1] = line
  else
    others[#others + 1] = line
  end
end
return {found[1], table.concat(held, '\n'), table.concat(others, '\n')}
