-- Shows that this is Lua, run by a server that has a clock: a substitute that only knows our scripts by heart cannot.
--
-- KEYS[1]  not touched
-- ARGV[1]  a text that was never asked before
-- reply    SHA-1 of the text, and the time in seconds as text

return { redis.sha1hex(ARGV[1]), redis.call('TIME')[1] }
