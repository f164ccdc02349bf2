#!lua flags=no-writes
-- What a round of maintenance asks of one collection, from one moment of the store.
--
-- KEYS  1 lines (zset)  2 segments (zset)  3 counts (hash)
-- ARGV  1 score before which lines are settled, '' for none  2 the index's random word when it was read last, '' for never
-- Returns
--   {'look', hits, removed, word, hot lines, settled lines, score of the oldest hot line or '', lines of all segments}
--           the last is -1 where the index is as it was
--   {'type', key, type}   a key holds something else
--   {'entry', text}       an entry of the index that is none
local lines, segments, counts, before, knownWord = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2]
local ENTRIES_A_CALL = 1000

local expected = { 'zset', 'zset', 'hash' }
for i = 1, 3 do
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
return { 'look', numbers[1] or '0', numbers[2] or '0', word, redis.call('ZCARD', lines), settled, oldest, sealed }
