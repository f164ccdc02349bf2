#!lua flags=no-writes
-- What memory keys of one collection take.
--
-- KEYS  any of one slot
-- Returns {bytes, …}, 0 for a key that is not there
local SAMPLES = 16
local bytes = {}
for i = 1, #KEYS do bytes[i] = redis.call('MEMORY', 'USAGE', KEYS[i], 'SAMPLES', SAMPLES) or 0 end
return bytes
