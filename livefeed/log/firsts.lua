-- The time of the first scheduled item of each of many feeds. Read-only.
--
-- KEYS: due, of each feed. {ms since the epoch, or "" where nothing is scheduled, of each}

local firsts = {}
for i, due in ipairs(KEYS) do firsts[i] = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')[2] or '' end
return firsts
