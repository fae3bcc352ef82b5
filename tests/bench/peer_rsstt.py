"""RSS-to-Telegram-Bot's client and parser as a side of the polling benchmark; runs in the environment of the peers.

Only what it does for a feed up to its entries: nothing is stored and nothing sent. Twenty feeds are under way at a
time, its limit for one host is off, and the validators that it would keep in its database are kept here. Parameters
and lines as of ``our_poller.py``.
"""

import asyncio
import os
import sys

FOLDER, PORT, COUNT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
# It reads its settings where it is imported.
os.environ |= {"HOME": FOLDER, "TOKEN": "1:bench", "MANAGER": "1", "MULTIPROCESSING": "1"}
sys.argv = sys.argv[:1]

import rsstt.env  # noqa: E402
from rsstt import aio_helper, web  # noqa: E402

from tests.bench.origin_address import address  # noqa: E402

AT_ONCE = 20


async def main() -> None:
    etags: dict[str, str] = {}
    permits = asyncio.Semaphore(AT_ONCE)

    async def read(url: str) -> None:
        async with permits:
            known = {"If-None-Match": etags[url]} if url in etags else {}
            found = await web.feed_get(url, web_semaphore=False, headers=known)
        assert found.error is None, found.error
        assert found.status == 304 or len(found.rss_d.entries) == 20
        if "ETag" in found.headers:
            etags[url] = found.headers["ETag"]

    print("ready", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        await asyncio.gather(*(read(address(number, PORT)) for number in range(COUNT)))
        print("done", flush=True)
    aio_helper.shutdown()


if __name__ == "__main__":
    aio_helper.init()
    rsstt.env.loop.run_until_complete(main())
