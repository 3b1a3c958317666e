-- The items that are due by the clock of Redis, which also sets the time of events. Read-only.
--
-- KEYS: due. ARGV: prefix, limit. {now, ids}

local now = now_ms()
return { now, redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2]) }
