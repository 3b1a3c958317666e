-- Moves the first entry of the inbox to the rejected entries, unless it was moved already.
--
-- KEYS: inbox, rejected. ARGV: prefix, entry id, reason, entry as JSON.

local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if not first or first[1] ~= ARGV[2] then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', 10000, '*', 'reason', ARGV[3], 'id', ARGV[2], 'entry', ARGV[4])
return redis.call('XDEL', KEYS[1], ARGV[2])
