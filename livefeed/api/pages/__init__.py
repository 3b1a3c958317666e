"""The pages: what readers, the desk and the wall look at."""
