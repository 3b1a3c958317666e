"""A worker: one process with one event loop, which serves a share of the readers."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import signal
import socket
import sys
from collections.abc import Iterator

import structlog
import uvicorn
import uvloop

from livefeed import logging
from livefeed.app import Application
from livefeed.counters import Counters
from livefeed.exceptions import ConfigError
from livefeed.metrics import Board
from livefeed.net import HttpProtocol
from livefeed.server.accepting import Acceptor
from livefeed.server.orders import FOR_THE_SUPERVISOR, Orders, receive
from livefeed.ticks import until_tick

_log = structlog.get_logger("livefeed.worker")


class Server(uvicorn.Server):
    """uvicorn, which on its own would wait forever for open streams: here the readers are disconnected first."""

    def __init__(self, config: uvicorn.Config, application: Application, ready: asyncio.StreamWriter) -> None:
        super().__init__(config)
        self._application = application
        self._ready = ready
        self._acceptors: list[Acceptor] = []
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._application.draining = True
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        """Set the date in the heads of responses until `stop`. uvicorn's own loop wakes ten times a second, to see if it ends."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(until_tick(asyncio.get_running_loop().time(), 1.0)):
                    await self._stopping.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The worker handles signals: uvicorn would raise them again at exit, and a graceful stop would look like a crash."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn gets no listening socket: see `accepting`.
        await super().startup([])
        protocol = functools.partial(
            self.config.http_protocol_class,  # type: ignore[call-arg]  # as in uvicorn
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            _loop=asyncio.get_running_loop(),
        )
        self._acceptors = [Acceptor(listener, protocol, self.config.ssl) for listener in sockets or ()]
        self._ready.write(b"ready\n")
        await self._ready.drain()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for acceptor in self._acceptors:
            acceptor.close()
        await self._application.drain()
        await super().shutdown(sockets)


def _configure(orders: Orders, application: Application) -> uvicorn.Config:
    config = orders.config
    return uvicorn.Config(
        application.asgi,
        http=HttpProtocol.on(application.network),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(config.grace / 2)),
        ssl_certfile=config.tls_certificate,
        ssl_keyfile=config.tls_key,
    )


async def _work(orders: Orders, control: socket.socket, counters: Counters) -> None:
    reader, writer = await asyncio.open_connection(sock=control)
    try:
        application = Application(
            orders.config,
            orders.backend,
            counters=counters,
            board=Board(orders.rows, orders.board),
            row=orders.row,
        )
    except ConfigError as exc:
        writer.write(f"{exc}\n".encode())
        await writer.drain()
        sys.exit(1)
    server = Server(_configure(orders, application), application, writer)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, server.stop)
    alone = asyncio.create_task(_stop_when_alone(reader, server))
    await server.serve([socket.socket(fileno=descriptor) for descriptor in orders.listeners])
    alone.cancel()
    writer.close()


async def _stop_when_alone(reader: asyncio.StreamReader, server: Server) -> None:
    """The supervisor writes nothing more; EOF means that it has died."""
    with contextlib.suppress(OSError):
        await reader.read()
    _log.warning("the supervisor is gone: stopping")
    server.stop()


def main() -> None:
    for number in FOR_THE_SUPERVISOR:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FOR_THE_SUPERVISOR)
    control = socket.socket(fileno=int(sys.argv[1]))
    try:
        orders = receive(control)
    except EOFError:
        return
    counters = Counters()
    logging.configure(orders.config.log_level, orders.config.log_format, counters=counters, worker=orders.row)
    # Tens of thousands of readers are long-lived objects. Scanning them again and again would cost a fifth of each
    # handshake, and pause all readers. Handshakes leave no cycles behind.
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(orders, control, counters))


if __name__ == "__main__":
    main()
