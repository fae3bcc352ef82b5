"""RSS-to-Telegram-Bot's formatter as a side of the rendering benchmark; runs in the environment of the peers.

Timed twice: its formatter alone, and its whole way from a feed's HTML to the text and entities that its client takes,
which is what ours goes. Nothing is fetched: no title of an embedded page, no Telegraph page, no picture. Takes a folder
for its settings and a file of posts; prints the CPU milliseconds of each.
"""

import json
import os
import sys
import time
from pathlib import Path

FOLDER = sys.argv[1]
POSTS = json.loads(Path(sys.argv[2]).read_text())
# It reads its settings where it is imported.
os.environ |= {"HOME": FOLDER, "TOKEN": "1:bench", "MANAGER": "1", "MULTIPROCESSING": "0", "TRAFFIC_SAVING": "1"}
sys.argv = sys.argv[:1]

import rsstt.env  # noqa: E402
from rsstt import aio_helper  # noqa: E402
from rsstt.parsing.post import get_post_from_entry  # noqa: E402
from rsstt.parsing.post_formatter import FORCE_MESSAGE  # noqa: E402
from rsstt.parsing.splitter import html_to_telegram_split  # noqa: E402


async def main() -> None:
    costs: dict[str, list[float]] = {"formatter alone": [], "from HTML to entities": []}
    for entry in (POSTS[0], *POSTS):
        started = time.process_time()
        post = await get_post_from_entry(entry, "Sky Notes", "https://sky.example/feed.xml")
        validated = time.process_time()
        formatted = await post.post_formatter.get_formatted_post(send_mode=FORCE_MESSAGE)
        ready = time.process_time()
        if formatted:
            html_to_telegram_split(formatted[0])
        costs["formatter alone"].append((ready - validated) * 1000)
        costs["from HTML to entities"].append((time.process_time() - started) * 1000)
    print(json.dumps({name: spent[1:] for name, spent in costs.items()}))


if __name__ == "__main__":
    aio_helper.init()
    try:
        rsstt.env.loop.run_until_complete(main())
    finally:
        aio_helper.shutdown()
