"""A publisher that knows nothing of what it did before: it begins with the first item each time.

python -m tests.chaos.publisher URL KEY FEED FIRST COUNT FILE
"""

from __future__ import annotations

import sys
import time

import httpx2

__all__ = ["main"]


def main(url: str, key: str, feed: str, first: int, count: int, path: str) -> None:
    with httpx2.Client(headers={"Authorization": f"Bearer {key}"}, trust_env=False) as http, open(path, "a") as answered:
        for number in range(first, first + count):
            item = {"uri": f"urn:chaos:{number}", "headline": f"Headline of number {number}"}
            while (answer := http.post(f"{url}/v1/feeds/{feed}/items", json=item)).status_code not in (200, 201):
                time.sleep(0.02)
            answered.write(f"{item['uri']} {answer.json()['event']}\n")
            answered.flush()


if __name__ == "__main__":
    url, key, feed, first, count, path = sys.argv[1:]
    main(url, key, feed, int(first), int(count), path)
