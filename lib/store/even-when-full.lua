#!lua flags=allow-oom
-- One command that a full Redis takes as well.
--
-- KEYS[1]  the command's key
-- ARGV     1 the command  2 and on: what follows the key
return redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))
