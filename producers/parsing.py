"""Parsing of documents in a separate process, with limits on time and memory.

A thread cannot be killed, and shares the interpreter lock: one bad document would delay all other feeds.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys

import msgspec

from producers.syndication import Channel, Unreadable, read

__all__ = ["Parser"]

MAX_SECONDS = 30.0
"""A malformed document of 600 KiB takes a second or two; the maximum size is ten times that."""
MAX_MEMORY = 1024 * 1024 * 1024
PROCESSES = 2
"""Documents that are read at a time."""


class _Answer(msgspec.Struct):
    channel: Channel | None = None
    unreadable: str = ""


class Parser:
    """Parses documents, each in a process of its own."""

    def __init__(self, *, max_seconds: float = MAX_SECONDS) -> None:
        self._turn = asyncio.Semaphore(PROCESSES)
        self._max_seconds = max_seconds

    async def parse(self, body: bytes, *, url: str, content_type: str) -> Channel:
        """The result of `syndication.read` for the document. Raises `Unreadable`."""
        async with self._turn:
            output = await self._run(msgspec.json.encode([url, content_type]) + b"\n" + body)
        try:
            answer = msgspec.json.decode(output, type=_Answer)
        except msgspec.DecodeError:
            raise Unreadable("could not be read: it needs more memory than a document may have") from None
        if answer.channel is None:
            raise Unreadable(answer.unreadable)
        return answer.channel

    async def _run(self, document: bytes) -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "producers.parsing",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(self._max_seconds):
                output, _ = await process.communicate(document)
        except TimeoutError:
            raise Unreadable(f"could not be read within {self._max_seconds:g} s") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return output


def main() -> None:
    """The child process: a line of JSON with URL and content type, then the document, on stdin; the result on stdout."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    url, content_type = msgspec.json.decode(sys.stdin.buffer.readline(), type=tuple[str, str])
    try:
        answer = msgspec.json.encode(_Answer(channel=read(sys.stdin.buffer.read(), url=url, content_type=content_type)))
    except Unreadable as error:
        answer = msgspec.json.encode(_Answer(unreadable=str(error)))
    except Exception as error:  # noqa: BLE001  # whatever a document does to its parser, its feed has failed and no other
        answer = msgspec.json.encode(_Answer(unreadable=f"could not be read: {type(error).__name__}: {ascii(error)[:200]}"))
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    main()
