-- Gives a lock back, but only to the one who holds it: after it expired somebody else may hold it by now.
--
-- KEYS[1]  the lock
-- ARGV[1]  the token of the one who took it
-- Returns  1 released, 0 no longer held by that token
-- Atomicity: the comparison and the deletion are one step.
local lock = KEYS[1]
local token = ARGV[1]

if redis.call('GET', lock) ~= token then
  return 0
end
return redis.call('DEL', lock)
