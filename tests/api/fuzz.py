"""Thousands of made-up requests, good and bad, against a real server: `python -m tests.api.fuzz --examples 40`.

schemathesis makes them from openapi.json and holds every answer against it. 0 answers may be 5xx and 0 may break the document.
The live stream is left out, since it never ends; and a durability that the Redis at hand cannot give, which is refused as 503.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx2

from tests.served import ADMIN_KEY, Server, running
from tests.stores import running_store

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)


def fuzz(examples: int, *, phases: str = "examples,coverage,fuzzing,stateful", seconds: int = 600) -> tuple[int, str]:
    """How many requests were made, and what schemathesis reports; it ends badly when there is a failure."""
    settings = {"LIVEFEED_PUBLISH_RATE": "100000", "LIVEFEED_PUBLISH_BURST": "100000"}
    with tempfile.TemporaryDirectory(prefix="livefeed-") as name:
        folder = Path(name)
        with running_store() as store, running(folder, store.url, **settings) as server:
            return _run(server, folder, examples, phases, seconds)


def _run(server: Server, folder: Path, examples: int, phases: str, seconds: int) -> tuple[int, str]:
    described = httpx2.get(f"{server.url}/openapi.json").json()
    del described["paths"]["/v1/feeds/{feed}/events"]
    for path in described["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and "parameters" in operation:
                operation["parameters"] = [one for one in operation["parameters"] if one["name"] != "durability"]
    document = folder / "openapi.json"
    document.write_text(json.dumps(described))
    tool = Path(sys.executable).parent / "schemathesis"
    command = [str(tool), "run", str(document), "--url", server.url, "--header", f"Authorization: Bearer {ADMIN_KEY}"]
    command += ["--checks", ",".join(CHECKS), "--max-examples", str(examples), "--phases", phases, "--max-time", str(seconds)]
    command += ["--continue-on-failure", "--warnings", "off", "--generation-database", "none", "--no-color", "--seed", "20261123"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if "Traceback" in server.output:
        raise AssertionError(server.output[server.output.index("Traceback") :][:4000])
    if done.returncode != 0:
        raise AssertionError(done.stdout[-8000:] + done.stderr[-2000:])
    told = re.search(r"(\d[\d,]*) generated", done.stdout)
    assert told is not None, done.stdout
    return int(told[1].replace(",", "")), done.stdout


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--examples", type=int, default=40)
    arguments.add_argument("--seconds", type=int, default=600)
    asked = arguments.parse_args()
    # What was started is stopped by leaving its block, also when a run is broken off from outside.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    requests, report = fuzz(asked.examples, seconds=asked.seconds)
    print(report[-1500:])  # noqa: T201  # it is a command
    print(f"{requests:,} requests: no answer was a 5xx, none broke the document")  # noqa: T201
