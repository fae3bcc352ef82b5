"""What a deep link to the bot carries, and what it means when it comes back. Pure.

``https://t.me/NAME?start=PAYLOAD``: 1 to 64 of ``A-Z a-z 0-9 _ -`` (Bot API). Anybody may write one by hand, so that a
payload only says what is meant; whether it may be shown is asked where it is opened.
"""

import base64
import binascii
import re
from dataclasses import dataclass

LONGEST = 64
_NUMBER = re.compile(r"([fmp])_([0-9a-z]{1,12})")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Link:
    """A deep link: to a feed or a post by its id, or to a hashtag."""

    feed_id: int | None = None
    more_of: int | None = None  #: a feed, to be looked at and not to be followed
    post_id: int | None = None
    tag: str | None = None


def to_feed(feed_id: int) -> str:
    """The payload that follows a feed."""
    return f"f_{_short(feed_id)}"


def to_more(feed_id: int) -> str:
    """The payload that shows a feed's newest posts."""
    return f"m_{_short(feed_id)}"


def to_post(post_id: int) -> str:
    """The payload that shows a post."""
    return f"p_{_short(post_id)}"


def to_tag(tag: str) -> str | None:
    """The payload that follows a hashtag; None where the hashtag is too long for a link."""
    payload = "t_" + base64.urlsafe_b64encode(tag.removeprefix("#").encode()).decode().rstrip("=")
    return payload if len(payload) <= LONGEST else None


def read(payload: str) -> Link | None:
    """What a payload means; None for anything that none of the above wrote."""
    if found := _NUMBER.fullmatch(payload):
        number = int(found[2], 36)
        return {"f": Link(feed_id=number), "m": Link(more_of=number), "p": Link(post_id=number)}[found[1]]
    if not payload.startswith("t_") or len(payload) > LONGEST:
        return None
    try:
        tag = base64.b64decode(payload[2:] + "=" * (-len(payload[2:]) % 4), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return Link(tag=tag) if tag and to_tag(tag) == payload else None


def address(bot: str, payload: str) -> str:
    """What opens the bot of that name with a payload."""
    return f"https://t.me/{bot}?start={payload}"


def _short(number: int) -> str:
    written = ""
    while number or not written:
        number, digit = divmod(number, 36)
        written = _DIGITS[digit] + written
    return written
