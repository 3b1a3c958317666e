"""Programs that publish items to a Livefeed server."""
