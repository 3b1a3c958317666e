"""The guard: a small process between the server and its embedded store, so that neither can leave the other behind.

    python -I -S guard.py PROGRAM ARGUMENT…

It starts the program and ends it when its own standard input ends, which happens however the server ends, `kill -9`
included. It has imported nothing of the server's, and what it inherited it hands on: the lock on the data is free only
when the program is gone.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading

GRACE = 10.0
"""Seconds that the program has to write its data before it is killed."""

_PR_SET_PDEATHSIG = 1


def _end_with_the_guard() -> None:
    """On Linux the kernel itself ends the program if somebody kills the guard."""
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
