from __future__ import annotations

from tests.auth.door import Door


async def test_the_application_sees_whom_a_proxy_reports(door: Door) -> None:
    named = Door(door.redis, proxies=["10.0.0.1"])
    sent = {"x_forwarded_for": "6.6.6.6, 203.0.113.7", "x_forwarded_proto": "https"}
    async with named.client(peer="10.0.0.1", **sent) as client:
        answer = (await client.get("/v1/feeds/a/whoami")).json()
    assert (answer["client"], answer["scheme"]) == ("203.0.113.7", "https")
    async with named.client(peer="10.0.0.2", **sent) as client:
        answer = (await client.get("/v1/feeds/a/whoami")).json()
    assert (answer["client"], answer["scheme"]) == ("10.0.0.2", "http")
