#!lua flags=allow-oom
-- Adds the countries and places of days below the floor to the counts of all time and deletes the days.
--
-- KEYS  1 counts (hash)  2 floor (string)  then the counts of days that follow each other (hash)
-- ARGV  1 first second of the first of the days
-- Returns
--   {'folded', first second after the days}
--   {'moved'}              nothing changed: another run has folded other days, or the floor is not above these
--   {'type', key, type}    nothing changed: a key holds something else
--   {'number', key, field} nothing changed: a field that is counted holds no whole number
-- Atomicity: the days and where to go on are written in one step, so that no day is added twice. Everything that can fail
-- is looked at before the first write.
local counts, floorKey = KEYS[1], KEYS[2]
local first = tonumber(ARGV[1])
local FIXED_KEYS = 2
local DAY_SECONDS = 86400

for i = 1, #KEYS do
  local kind = redis.call('TYPE', KEYS[i]).ok
  local wanted = i == 2 and 'string' or 'hash'
  if kind ~= 'none' and kind ~= wanted then return { 'type', KEYS[i], kind } end
end
local after = first + (#KEYS - FIXED_KEYS) * DAY_SECONDS
local floor = tonumber(redis.call('GET', floorKey) or -1)
if tonumber(redis.call('HGET', counts, 'folded') or -1) ~= first or floor < after then return { 'moved' } end

local function isWhole(text) return not text or string.match(text, '^%-?%d+$') ~= nil end
local sums = {}
for i = FIXED_KEYS + 1, #KEYS do
  local fields = redis.call('HGETALL', KEYS[i])
  for f = 1, #fields, 2 do
    local kind = string.sub(fields[f], 1, 2)
    if kind == 'c:' or kind == 'l:' then
      if not isWhole(fields[f + 1]) then return { 'number', KEYS[i], fields[f] } end
      sums[fields[f]] = (sums[fields[f]] or 0) + tonumber(fields[f + 1])
    end
  end
end
for field in pairs(sums) do
  if not isWhole(redis.call('HGET', counts, field)) then return { 'number', counts, field } end
end

for field, sum in pairs(sums) do redis.call('HINCRBY', counts, field, string.format('%.0f', sum)) end
for i = FIXED_KEYS + 1, #KEYS do redis.call('DEL', KEYS[i]) end
redis.call('HSET', counts, 'folded', after)
return { 'folded', after }
