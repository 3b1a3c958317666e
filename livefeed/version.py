"""The version of this package, used by the build and the server."""

__version__ = "0.1.0"
