"""Fetch a picture that Telegram could not have from its address: some publishers let no stranger in.

Called by ``sender/`` through ``app.py``, for one message at a time; keeps nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable

from bot.errors import FetchError
from bot.model import Feed, FeedKind, Validators
from bot.sources.fetch import Answer

#: A part of the outbox's deadline for a send; the upload needs the rest.
SECONDS = 10.0
#: Largest photo that may be uploaded (Bot API, sendPhoto).
MOST_BYTES = 10 * 1000 * 1000
ACCEPT = "image/jpeg, image/png, image/webp;q=0.9, image/*;q=0.5"
#: How photos begin, whatever their publisher calls them.
_PHOTOS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")

Fetch = Callable[[Feed, Validators], Awaitable[Answer]]


async def fetch_picture(fetch: Fetch, url: str) -> bytes:
    """The photo at an address.

    Raises: FetchError.
    """
    # Without the feed's own headers: what opens the feed is no business of the pictures it names.
    asked = Feed(url, FeedKind.HTTP, url, headers={"Accept": ACCEPT})
    try:
        async with asyncio.timeout(SECONDS):
            body = (await fetch(asked, Validators())).body or b""
    except TimeoutError:
        raise FetchError(f"the picture took over {SECONDS:g} s; the post goes out without it") from None
    is_photo = body.startswith(_PHOTOS) or (body[:4] == b"RIFF" and body[8:12] == b"WEBP")
    if not is_photo or len(body) > MOST_BYTES:
        raise FetchError("what is there is no photo, or too large a one; the post goes out without it")
    return body
