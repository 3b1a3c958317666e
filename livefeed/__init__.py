"""A live-feed server: one ordered log per feed in Redis Streams, fanned out with exact replay."""
