"""Feeds out: one page of items in the formats that other programs read."""
