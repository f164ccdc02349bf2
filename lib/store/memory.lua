#!lua flags=no-writes
-- What memory a collection takes, but for its segments' bodies and the counts of its days.
--
-- KEYS  1 lines (zset)  2 segments (zset)  3 counts (hash)
--       4 and on: what else is kept of it, of whatever type
-- ARGV  1 how many of the oldest descriptors are wanted
-- Returns
--   {'held', bytes of the hot lines, of the index, of the counts and of what else is kept, word of the index or '',
--    segments, hits, removed, highest second stored or '', second from which on days have counts of their own or '',
--    oldest hot second and those after each eighth of the hot lines, nine in all or '' where there is none, descriptor, …}
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

local function bytesOf(key) return redis.call('MEMORY', 'USAGE', key, 'SAMPLES', SAMPLES) or 0 end
local function firstSecondOf(key)
  local score = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
  return score and math.floor(tonumber(score))
end

local rest = 0
for i = 3, #KEYS do rest = rest + bytesOf(KEYS[i]) end
local numbers = redis.call('HMGET', counts, 'index', 'hits', 'removed', 'last', 'folded')
-- Where nothing was ever removed, no line is older than the oldest.
local hotFirst, sealedFirst = firstSecondOf(lines), firstSecondOf(segments)
local first = tonumber(numbers[5] or '') or (hotFirst and math.min(hotFirst, sealedFirst or hotFirst)) or sealedFirst or ''

local hot = redis.call('ZCARD', lines)
local held = {
  'held', bytesOf(lines), bytesOf(segments), rest, numbers[1] or '', redis.call('ZCARD', segments),
  numbers[2] or '0', numbers[3] or '0', numbers[4] or '', first,
}
for part = 0, PARTS do
  local rank = math.floor(part * (hot - 1) / PARTS)
  held[#held + 1] = hot > 0 and math.floor(tonumber(redis.call('ZRANGE', lines, rank, rank, 'WITHSCORES')[2])) or ''
end
if wanted > 0 then
  for _, descriptor in ipairs(redis.call('ZRANGE', segments, 0, wanted - 1)) do held[#held + 1] = descriptor end
end
return held
