"""The benchmark: Livefeed, its peers and the limit that the kernel sets, in one run on one machine."""
