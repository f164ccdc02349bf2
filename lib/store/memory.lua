#!lua flags=no-writes
-- What memory a collection's lines take.
--
-- KEYS  1 lines (zset)  2 segments (zset)  3 counts (hash)
-- ARGV  1 how many of the oldest descriptors are wanted
-- Returns
--   {'held', hot lines, their bytes, word of the index or '', segments, oldest hot second and those after each eighth of
--    the hot lines, nine in all or '' where there is none, descriptor, …}
--   {'type', key, type}   a key holds something else
local lines, segments, counts = KEYS[1], KEYS[2], KEYS[3]
local wanted = tonumber(ARGV[1])
local PARTS = 8
local SAMPLES = 32

local expected = { 'zset', 'zset', 'hash' }
for i = 1, 3 do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'none' and kind ~= expected[i] then return { 'type', KEYS[i], kind } end
end

local hot = redis.call('ZCARD', lines)
local bytes = hot > 0 and redis.call('MEMORY', 'USAGE', lines, 'SAMPLES', SAMPLES) or 0
local held = { 'held', hot, bytes, redis.call('HGET', counts, 'index') or '', redis.call('ZCARD', segments) }
for part = 0, PARTS do
  local rank = math.floor(part * (hot - 1) / PARTS)
  held[#held + 1] = hot > 0 and math.floor(tonumber(redis.call('ZRANGE', lines, rank, rank, 'WITHSCORES')[2])) or ''
end
if wanted > 0 then
  for _, descriptor in ipairs(redis.call('ZRANGE', segments, 0, wanted - 1)) do held[#held + 1] = descriptor end
end
return held
