#!lua flags=allow-oom
-- Moves up to ARGV[1] collections from the dirty set to those being projected, so that a mark set after this one is seen
-- again and a projector that dies leaves its work to the next.
--
-- KEYS  1 dirty (set)  2 taken (set)
-- Returns every id that is now in the taken set.
local dirty, taken, most = KEYS[1], KEYS[2], ARGV[1]
local ids = redis.call('SPOP', dirty, most)
if #ids > 0 then redis.call('SADD', taken, unpack(ids)) end
return redis.call('SMEMBERS', taken)
