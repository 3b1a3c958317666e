"""The guard: a small process between the server and its embedded store, which ends the store when the server is gone.

    python -I -S guard.py PROGRAM ARGUMENT…

It starts the program and ends it at the end of its own standard input, which happens however the server ends, including
`kill -9`. It imports nothing from the server, and passes its inherited descriptors on: the lock on the data is released only
when the program has exited.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading

GRACE = 10.0
"""Seconds that the program gets to write its data before it is killed."""

_PR_SET_PDEATHSIG = 1


def _end_with_the_guard() -> None:
    """On Linux, let the kernel end the program if the guard is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _leave_with(program: subprocess.Popen[bytes]) -> None:
    os._exit(program.wait() % 256)


def main(command: list[str]) -> None:
    # PDEATHSIG follows the thread that forked: this one, which lives as long as the guard.
    program = subprocess.Popen(command, close_fds=False, stdin=subprocess.DEVNULL, preexec_fn=_end_with_the_guard)  # noqa: S603
    threading.Thread(target=_leave_with, args=(program,), daemon=True).start()
    sys.stdin.buffer.read()
    program.terminate()
    try:
        program.wait(GRACE)
    except subprocess.TimeoutExpired:
        program.kill()
    program.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
