#!lua flags=no-writes
-- What a round of maintenance asks of one collection, from one moment of the store.
--
-- KEYS  1 lines (zset)  2 segments (zset)  3 counts (hash)  4 archiving (hash)
-- ARGV  1 score before which lines are settled, '' for none  2 the index's random word when it was read last, '' for never
-- Returns
--   {'look', hits, removed, word, hot lines, settled lines, score of the oldest hot line or '', lines of all segments,
--    score of the first and of the last sealed line or '', archives under way}
--           the lines of all segments are -1 where the index is as it was
--   {'type', key, type}   a key holds something else
--   {'entry', text}       an entry of the index that is none
local lines, segments, counts, archiving = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local before, knownWord = ARGV[1], ARGV[2]
local ENTRIES_A_CALL = 1000

local expected = { 'zset', 'zset', 'hash', 'hash' }
for i = 1, 4 do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'none' and kind ~= expected[i] then return { 'type', KEYS[i], kind } end
end

local numbers = redis.call('HMGET', counts, 'hits', 'removed', 'index')
local word, sealed = numbers[3] or '', -1
if word == '' or word ~= knownWord then
  sealed = 0
  for from = 0, redis.call('ZCARD', segments) - 1, ENTRIES_A_CALL do
    local entries = redis.call('ZRANGE', segments, from, from + ENTRIES_A_CALL - 1)
    for i = 1, #entries do
      local held = string.match(entries[i], '^[%d.]+:[%d.]+:(%d+):')
      if not held then return { 'entry', entries[i] } end
      sealed = sealed + tonumber(held)
    end
  end
end
local settled = before == '' and 0 or redis.call('ZCOUNT', lines, '-inf', '(' .. before)
local oldest = redis.call('ZRANGE', lines, 0, 0, 'WITHSCORES')[2] or ''
local firstSealed, lastSealed = redis.call('ZRANGE', segments, 0, 0)[1], redis.call('ZRANGE', segments, -1, -1)[1]
return {
  'look', numbers[1] or '0', numbers[2] or '0', word, redis.call('ZCARD', lines), settled, oldest, sealed,
  firstSealed and string.match(firstSealed, '^[^:]+') or '', lastSealed and string.match(lastSealed, '^[^:]+:([^:]+)') or '',
  redis.call('HLEN', archiving),
}
