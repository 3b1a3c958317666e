"""Networking: custom protocols for uvicorn, and the connections that they hand over."""

from livefeed.net.http import HttpProtocol
from livefeed.net.limits import ConnectionLimits
from livefeed.net.network import Network

__all__ = ["ConnectionLimits", "HttpProtocol", "Network"]
