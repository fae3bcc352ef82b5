"""A publisher of any number of feeds, as a process of its own: `python -m tests.bench.origin`.

Prints its port, and serves `/feed/N` (twenty items, about 105 KB, Persian or English) and `/small/N` (one item) until
its standard input ends. `/set?generation=G&validators=1` says how many items came since the start, and whether it
answers 304. Each connection serves one request, as those of a thousand different hosts would.
"""

import asyncio
import json
import random
import sys
from functools import cache

from aiohttp import web

from tests.bench.origin_address import HOSTS

ITEMS = 20
_WORDS = {
    "en": "The moon stands over the hills tonight, and <b>binoculars</b> are enough to see its seas. ",
    "fa": "ماه امشب بالای تپه‌ها کامل است و با <b>دوربین دوچشمی</b> دریاهای آن هم دیده می‌شود. ",
}


@cache
def _content(language: str) -> str:
    paragraph = f"<p>{_WORDS[language] * 4}<a href='https://sky.example/seas?a=1&amp;b=2'>Mare</a></p>"
    times = 4_700 // len(paragraph.encode())
    return (paragraph * times).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_SYLLABLES = {
    "en": ["mo", "on", "sta", "gar", "den", "ni", "wa", "ter", "hi", "lum", "see", "sha"],
    "fa": ["با", "می", "نور", "ستا", "ره", "ما", "گل", "شب", "دا", "خا", "آب", "کو"],
}


def _title(language: str, number: int, item: int) -> str:
    """Six words that few others have: a thousand feeds with one title would be one story told a thousand times."""
    chosen = random.Random(f"{number} {item}")
    return " ".join("".join(chosen.choices(_SYLLABLES[language], k=3)) for _word in range(6))


def feed(number: int, generation: int, items: int) -> bytes:
    """The newest item first, and no more of them than at the start."""
    language = "fa" if number % 2 else "en"
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
        f"<title>Sky {number}</title><link>https://sky.example/{number}/</link><language>{language}</language>"
        f"<description>Notes</description><lastBuildDate>Mon, 23 Nov 2026 {generation:02}:00:00 GMT</lastBuildDate>"
    ]
    for item in range(generation + items - 1, generation - 1, -1):
        link = f"https://sky.example/{number}/{item}"
        parts.append(
            f"\n<item><title>{_title(language, number, item)}</title><link>{link}</link>"
            f'<guid isPermaLink="false">{link}</guid>'
            f"<dc:creator>Sara</dc:creator><category>Moon</category><pubDate>Sun, 22 Nov 2026 {item % 24:02}:10:00 GMT"
            f"</pubDate><description>{item}: {_content(language)}</description></item>"
        )
    return "".join([*parts, "\n</channel></rss>\n"]).encode()


class Origin:
    """What is served at the moment."""

    def __init__(self) -> None:
        self.generation = 0
        self.validators = True

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        _, kind, *rest = request.path.split("/")
        if kind == "set":
            self.generation = int(request.query["generation"])
            self.validators = request.query["validators"] == "1"
            return web.Response()
        etag = f'"{self.generation}"'
        headers = {"Connection": "close"} | ({"ETag": etag} if self.validators else {})
        if self.validators and request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        body = feed(int(rest[0]), self.generation, ITEMS if kind == "feed" else 1)
        return web.Response(body=body, content_type="application/rss+xml", headers=headers)


async def serve() -> None:
    runner = web.ServerRunner(web.Server(Origin().answer, access_log=None))
    await runner.setup()
    first = web.TCPSite(runner, "127.0.0.1", 0)
    await first.start()
    port = runner.addresses[0][1]
    for host in range(HOSTS):
        await web.TCPSite(runner, f"127.0.1.{host + 1}", port, backlog=256).start()
    print(json.dumps({"port": port}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
