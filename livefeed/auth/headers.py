"""Security headers of all responses."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livefeed.exceptions import ConfigError

__all__ = ["ALWAYS", "HeadersMiddleware", "PagePolicy"]

ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
_NO_PAGE = "default-src 'none'; frame-ancestors 'none'"
_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    "font-src 'self'; img-src 'self' https: data:; media-src 'self' https:; form-action 'self'; base-uri 'none'"
)
_EMBEDDABLE = ("/read/", "/wall/")


class PagePolicy:
    """The Content-Security-Policy of pages: only what we serve runs, and only *frame_ancestors* may embed readers' pages."""

    def __init__(self, frame_ancestors: Iterable[str] = ()) -> None:
        ancestors = [self._check(ancestor) for ancestor in frame_ancestors]
        self._embedded = self._policy(" ".join(ancestors) or "'none'")
        self._alone = self._policy("'none'")

    @staticmethod
    def _check(ancestor: str) -> str:
        if ancestor in {"*", "'self'"}:
            return ancestor
        if not ancestor.startswith(("https://", "http://")) or set(ancestor) & set(" ;,'\"\r\n\t") or not ancestor.isascii():
            raise ConfigError(
                f"{ancestor!r} cannot embed pages: write an origin such as 'https://news.example', 'self' in quotes or '*'"
            )
        return ancestor

    @staticmethod
    def _policy(ancestors: str) -> str:
        return f"{_PAGE}; frame-ancestors {ancestors}"

    def value(self, path: str, content_type: str) -> str:
        """The policy for the answer at *path*. The desk is never embedded: a hidden frame could borrow an editor's clicks."""
        if not content_type.startswith("text/html"):
            return _NO_PAGE
        return self._embedded if path.startswith(_EMBEDDABLE) else self._alone


class HeadersMiddleware:
    """Adds what *scope["livefeed.headers"]* holds, and the page policy, to each answer.

    The list is in the scope because an event stream is written straight to its transport and passes no `send`.
    """

    def __init__(self, app: ASGIApp, policy: PagePolicy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["livefeed.headers"] = list(ALWAYS)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._complete(scope, MutableHeaders(scope=message), message["status"])
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _complete(self, scope: Scope, headers: MutableHeaders, status: int) -> None:
        for name, value in scope["livefeed.headers"]:
            if name == b"vary":
                headers.add_vary_header(value.decode())
            else:
                headers.setdefault(name.decode(), value.decode())
        if status != 304:
            # A 304 has no content type, and a browser would replace the headers of the cached page by these.
            content_type = headers.get("content-type", "")
            headers.setdefault("content-security-policy", self._policy.value(scope["path"], content_type))
            if content_type.startswith("text/html"):
                headers.setdefault("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
        caller = scope.get("livefeed.caller")
        if caller is not None and caller.session and "no-store" not in headers.get("cache-control", ""):
            # Shared caches do not store responses to requests with `Authorization`, but they do not know our cookie.
            headers["cache-control"] = "private, no-cache"
