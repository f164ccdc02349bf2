#!lua flags=no-writes
-- How many hot lines stand before each of some moments, and the segment index, both from one moment of the store.
--
-- KEYS  1 lines (zset)  2 segments (zset)  3 counts (hash)
-- ARGV  1 word of the segment index that the caller has  2 and on: scores
-- Returns {word of the index, its members or nil where the caller has them, score of the first and of the last hot line or
--          '', hot lines before each score, …}
local lines, segments, counts, knownWord = KEYS[1], KEYS[2], KEYS[3], ARGV[1]

-- A hash of another type has no index: what would write one refuses such a collection.
local word = redis.pcall('HGET', counts, 'index')
if type(word) ~= 'string' then word = '' end
local index = false
if word ~= knownWord then index = redis.call('ZRANGE', segments, 0, -1) end

local function scoreAt(rank) return redis.call('ZRANGE', lines, rank, rank, 'WITHSCORES')[2] or '' end

local result = { word, index, scoreAt(0), scoreAt(-1) }
for i = 2, #ARGV do result[#result + 1] = redis.call('ZCOUNT', lines, '-inf', '(' .. ARGV[i]) end
return result
