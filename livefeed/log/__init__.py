"""The event log in Redis: one stream per feed, written by one script, read by one rule."""
