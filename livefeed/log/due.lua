-- What is due by the clock of Redis, which is also the one that events are dated by. Read only.
--
-- KEYS: due. ARGV: prefix, limit. {now, ids}

local now = now_ms()
return { now, redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2]) }
