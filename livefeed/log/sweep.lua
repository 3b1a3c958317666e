-- Trims an idle feed by age, and drops items that exceed the retention (all of them for a deleted feed).
--
-- KEYS: log, feed, removed, rejected, items, timeline, desk, due. ARGV: prefix. {trimmed, dropped, foreign}

local feed = read_feed(KEYS[2])
if not feed then return { 0, 0, 0 } end
local gone = feed.state == 'deleted'
local trimmed, foreign = 0, 0
if not gone then
  local now = now_ms()
  foreign = mend(KEYS[1], KEYS[3], KEYS[4], feed, now)
  trimmed = trim(KEYS[1], KEYS[3], feed, now)
  save(KEYS[2], feed)
end
return { trimmed, drop_items(KEYS[5], KEYS[6], KEYS[7], KEYS[8], gone and 0 or feed.keep.items, 100), foreign }
