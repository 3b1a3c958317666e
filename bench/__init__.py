"""The benchmark: Livefeed, its peers and the kernel's own limit, in one run on one machine."""
