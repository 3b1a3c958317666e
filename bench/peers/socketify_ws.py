"""uWebSockets' C++ core, through socketify: topics and publish, as its documentation has it."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from socketify import App, CompressOptions, OpCode

app = App()
app.ws(
    "/*",
    {
        "compression": CompressOptions.DISABLED,
        "max_payload_length": 1024 * 1024,
        "idle_timeout": 120,
        "open": lambda ws: ws.subscribe("feed"),
    },
)


def event(number: int, size: int) -> str:
    text = json.dumps({"id": number, "data": {"headline": f"x ~ts={time.time_ns()} #{number}", "body": ""}})
    return text[:-3] + "x" * max(size - len(text), 0) + text[-3:]


def publish(response: Any, request: Any) -> None:
    count, size = int(request.get_query("count")), int(request.get_query("bytes"))
    for number in range(count):
        app.publish("feed", event(number, size), OpCode.TEXT)
    response.end("done")


app.get("/publish", publish)
app.listen({"port": int(sys.argv[1]), "host": "127.0.0.1"}, lambda _: None)
app.run()
