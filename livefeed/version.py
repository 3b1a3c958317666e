"""The version of this package, as the build and the running server tell it."""

__version__ = "0.1.0"
