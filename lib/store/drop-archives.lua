#!lua
-- Gives up archives whose removal did not happen: from now on it cannot.
--
-- KEYS  1 archiving (hash)
-- ARGV  the names to give up; none: all
-- Returns {name, path, name, path, …} of what was given up, now or earlier
-- Atomicity: reading and marking are one step. Were they two, the removal could come between them, and the caller would
-- then delete the only copy of lines that are gone.
local archiving = KEYS[1]
local names = ARGV
if #names == 0 then names = redis.call('HKEYS', archiving) end
local dropped = {}
for i = 1, #names do
  local state = redis.call('HGET', archiving, names[i])
  if state then
    local path = string.match(state, '^%a+ (.*)$') or ''
    redis.call('HSET', archiving, names[i], 'dropped ' .. path)
    dropped[#dropped + 1] = names[i]
    dropped[#dropped + 1] = path
  end
end
return dropped
