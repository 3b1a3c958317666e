"""Assets: the pages' static files, kept in memory and served unmodified."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from livefeed.api.requests import is_unchanged

__all__ = ["Asset", "Assets"]

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".ts": "text/plain; charset=utf-8",
}
_VERSIONED = re.compile(r"([0-9a-f]{12})/(.+)")
_YEAR = 31_536_000


@dataclass(frozen=True, slots=True)
class Asset:
    body: bytes
    gzipped: bytes
    etag: str
    media_type: str


class Assets:
    """The files of one folder. *version* identifies all of them, so that a script and its imports always match."""

    def __init__(self, folder: Path) -> None:
        bodies = {str(path.relative_to(folder).as_posix()): path.read_bytes() for path in sorted(folder.rglob("*.*"))}
        self._assets = {
            name: Asset(body, gzip.compress(body, mtime=0), f'"{sha256(body).hexdigest()[:16]}"', _TYPES[Path(name).suffix])
            for name, body in bodies.items()
        }
        self.version = sha256("".join(asset.etag for asset in self._assets.values()).encode()).hexdigest()[:12]

    def path(self, name: str) -> str:
        """The versioned URL of the file *name*."""
        if name not in self._assets:
            raise KeyError(name)
        return f"/static/{self.version}/{name}"

    async def serve(self, request: Request) -> Response:
        """Serve `/static/{path}`, with or without a version. An outdated version gets the current file."""
        path = request.path_params["path"]
        versioned = _VERSIONED.fullmatch(path)
        asset = self._assets.get(versioned[2] if versioned else path)
        if asset is None:
            raise HTTPException(404)
        lasting = versioned is not None and versioned[1] == self.version
        headers = {
            "Cache-Control": f"public, max-age={_YEAR}, immutable" if lasting else "no-cache",
            "ETag": asset.etag,
            "Vary": "Accept-Encoding",
            # Other sites embed the element and use the client.
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
            # A shared worker is subject to the policy of its own script, not to that of the page.
            "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'",
        }
        if is_unchanged(request, asset.etag):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return Response(asset.gzipped, headers={**headers, "Content-Encoding": "gzip"}, media_type=asset.media_type)
        return Response(asset.body, headers=headers, media_type=asset.media_type)
