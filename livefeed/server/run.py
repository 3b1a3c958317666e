"""Running the server: checks before the first worker starts, and shutdown."""

from __future__ import annotations

import asyncio
import resource
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import structlog

from livefeed.auth.secretfile import check_secret, is_guessable, keep_secret
from livefeed.config import Config
from livefeed.exceptions import ConfigError
from livefeed.log.connect import Backend, connect, inspect
from livefeed.log.embedded import Embedded
from livefeed.server.listeners import Listeners
from livefeed.server.supervisor import Supervisor

__all__ = ["address", "serve"]

_log = structlog.get_logger("livefeed")


Beside = Callable[[str, Config], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def _nothing(_url: str, _config: Config) -> AsyncIterator[None]:
    yield


async def serve(config: Config, beside: Beside = _nothing) -> bool:
    """Serve until a signal. Returns whether everything ended in time.

    The context manager that *beside* returns for the address and the effective settings is entered once all workers serve.
    """
    _allow_many_connections()
    _check_tls(config)
    async with AsyncExitStack() as stack:
        listeners = Listeners(
            config.host, config.port, config.workers, send_buffer=config.send_buffer, dead_after=config.dead_after
        )
        stack.callback(listeners.close)
        if config.redis_url is None:
            store = await stack.enter_async_context(Embedded(config.data_dir / "embedded", config.embedded_server))
            config = msgspec.structs.replace(config, redis_url=store.url)
        backend = await _check_redis(config.redis_url)
        config = msgspec.structs.replace(config, admin_key=_admin_key(config), token_secret=_token_secret(config))
        supervisor = Supervisor(config, backend, listeners)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # A signal that `nohup` ignores stays ignored.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                asyncio.get_running_loop().add_signal_handler(number, supervisor.ask_to_stop)
        if await supervisor.start():
            url = address(config, listeners.port)
            _log.info("serving", url=url, workers=config.workers)
            async with beside(url, config):
                await supervisor.run()
        clean = await supervisor.stop()
        _log.info("stopped", clean=clean)
    return clean


async def _check_redis(url: str | None) -> Backend:
    assert url is not None
    client = connect(url)
    try:
        backend = await inspect(client, url)
    finally:
        await client.aclose()
    for warning in backend.warnings:
        _log.warning(warning)
    return backend


def _check_tls(config: Config) -> None:
    if config.tls_certificate is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(config.tls_certificate, config.tls_key)
    except OSError as exc:
        reason = exc.strerror or exc
        raise ConfigError(f"LIVEFEED_TLS_CERTIFICATE {config.tls_certificate} cannot be used: {reason}") from exc


def _admin_key(config: Config) -> str:
    """The admin key: the operator's, or else one that is generated and stored."""
    if config.admin_key is not None:
        return _given(config.admin_key, "LIVEFEED_ADMIN_KEY")
    path = config.data_dir / "admin.key"
    key, made = _kept(path)
    if made:
        _log.info("an admin key was made", path=str(path))
    return key


def _token_secret(config: Config) -> str | None:
    """The secret for `livefeed token`, generated and stored if the operator has configured no token keys."""
    if config.token_secret is not None:
        return _given(config.token_secret, "LIVEFEED_TOKEN_SECRET")
    if config.token_keys is not None:
        return None
    return _kept(config.data_dir / "token.secret")[0]


def _given(secret: str, name: str) -> str:
    if is_guessable(check_secret(secret, name)):
        _log.warning("a secret is a repetition that is easily guessed: use what 'openssl rand -base64 32' prints", setting=name)
    return secret


def _kept(path: Path) -> tuple[str, bool]:
    try:
        return keep_secret(path)
    except OSError as exc:
        raise ConfigError(f"{path} cannot be kept: {exc.strerror}; LIVEFEED_DATA_DIR must be a folder of this user's") from exc


def _allow_many_connections() -> None:
    """Each reader needs a file descriptor, and the usual soft limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def address(config: Config, port: int) -> str:
    """A URL that a browser on this machine can open."""
    loopback = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104  # nosec B104  # nothing is bound here
    host = loopback.get(config.host, f"[{config.host}]" if ":" in config.host else config.host)
    return f"{'http' if config.tls_certificate is None else 'https'}://{host}:{port}"
