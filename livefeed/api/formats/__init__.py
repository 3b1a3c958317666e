"""Feed documents: a page of items in the formats that other programs read."""
