"""What of a post can be seen or heard beside its text: its pictures, the best first, and its recording. Pure.

Read by ``dressing.py``, which decides what a message carries, and by ``full_text.py``, which fetches a picture for a
post that has none. Asks nobody: an address may still lead to nothing.
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from bot.model import Enclosure, Entry
from bot.text import markup, richtext

#: Telegram fetches no larger recordings by their address (Bot API, "Sending files").
FETCHED_BYTES = 20 * 1000 * 1000
#: Narrower ones are thumbnails, unless there is nothing else.
LEAST_WIDTH = 300
#: Wider ones look no better on a phone; among them the publisher's order counts.
ENOUGH_WIDTH = 1200
#: Taken for the width of a picture that says nothing about it: most are made for reading.
USUAL_WIDTH = 640
#: Sides of what is no picture of a post but a pixel or an icon.
ICON = 64
#: Telegram refuses photos whose sides add up to more, or are in a greater proportion (Bot API, sendPhoto).
MOST_SIDES, MOST_PROPORTION = 10_000, 20

_PERSON = re.compile(r"gravatar\.com/|//avatars?\d*\.|/avatars?/|/userpics?/|/profile_images/", re.IGNORECASE)
_NO_PHOTO = re.compile(r"\.(?:svgz?|ico|bmp|tiff?|avif|heic|pdf|psd)\Z", re.IGNORECASE)
_PHOTO = re.compile(r"\.(?:jpe?g|png|webp|gif)\Z", re.IGNORECASE)
_WIDTH_IN_QUERY = re.compile(r"(?:^|&)(?:w|width|resize)=(\d{1,5})\b")
_SIZE_IN_NAME = re.compile(r"-(\d{2,4})x(\d{2,4})(?=\.\w+\Z)")
_AUDIO = re.compile(r"\.(?:mp3|m4a|ogg|oga|opus|wav|flac|aac)\Z", re.IGNORECASE)
_VIDEO = re.compile(r"\.(?:mp4|m4v|mov|webm|mkv|avi)\Z", re.IGNORECASE)
#: What sendAudio and sendVideo take by its address.
_PLAYED = re.compile(r"audio/(?:mpeg|mp3|mp4|x-m4a|m4a)|video/mp4", re.IGNORECASE)


def find(entry: Entry) -> tuple[str, ...]:
    """The addresses of a post's pictures, the best first, none twice in another size.

    First those of its enclosures and media elements, then those of its text; thumbnails last.
    """
    best: dict[str, tuple[int, str]] = {}
    for url, width in _candidates(entry):
        stem = _stem(url)
        if stem not in best or width > best[stem][0]:
            best[stem] = (width, url)
    ranked = sorted(best.values(), key=lambda found: (found[0] < LEAST_WIDTH, -min(found[0], ENOUGH_WIDTH)))
    return tuple(url for _width, url in ranked)


def _candidates(entry: Entry) -> Iterator[tuple[str, int]]:
    for enclosure in entry.enclosures:
        url = richtext.telegram_url(_PUT_IN_FRONT.sub("", enclosure.url))
        if url and _is_picture(enclosure, url):
            yield url, enclosure.width or _width(url)
    for address in markup.images(entry.fullest or entry.summary or "", base_url=entry.link):
        url = richtext.telegram_url(address)
        if url and _is_seen(url):
            # In a text a picture stands where somebody put it: after the first, order is worth more than size.
            yield url, min(_width(url), USUAL_WIDTH)


#: Some publishers put their own address in front of one that is whole already.
_PUT_IN_FRONT = re.compile(r"\Ahttps?://[^/]+/(?=https?://)")


def _is_picture(enclosure: Enclosure, url: str) -> bool:
    is_image = enclosure.type.startswith("image/") or (not enclosure.type and _PHOTO.search(_path(url)))
    sides = (enclosure.width or USUAL_WIDTH, enclosure.height or enclosure.width or USUAL_WIDTH)
    is_photo = sum(sides) <= MOST_SIDES and max(sides) <= MOST_PROPORTION * min(sides) and max(sides) > ICON
    return bool(is_image) and is_photo and _is_seen(url)


def _is_seen(url: str) -> bool:
    """Not the face of its author, nor a format that is never shown as a photo."""
    return not _PERSON.search(url) and not _NO_PHOTO.search(_path(url))


def _path(url: str) -> str:
    return urlsplit(url).path


def _width(url: str) -> int:
    """As the address tells it: publishers make thumbnails by a number in it."""
    parts = urlsplit(url)
    found = _WIDTH_IN_QUERY.search(parts.query) or _SIZE_IN_NAME.search(parts.path)
    return int(found[1]) if found else USUAL_WIDTH


def _stem(url: str) -> str:
    """One for all sizes of a picture. A script's address tells its pictures apart by the query alone."""
    parts = urlsplit(url)
    if not _PHOTO.search(parts.path):
        return url
    return f"{parts.hostname}{_SIZE_IN_NAME.sub('', parts.path)}"


def recording(entry: Entry) -> Enclosure | None:
    """The first sound or film that a post brings along."""
    for enclosure in entry.enclosures:
        if (is_audio(enclosure) or is_video(enclosure)) and richtext.telegram_url(enclosure.url):
            return enclosure
    return None


def is_audio(enclosure: Enclosure) -> bool:
    """Whether it is to be heard."""
    return enclosure.type.startswith("audio/") or (not enclosure.type and bool(_AUDIO.search(_path(enclosure.url))))


def is_video(enclosure: Enclosure) -> bool:
    """Whether it is a film."""
    return enclosure.type.startswith("video/") or (not enclosure.type and bool(_VIDEO.search(_path(enclosure.url))))


def is_small(recorded: Enclosure) -> bool:
    """Whether Telegram would fetch and play a recording; one that does not tell its size is taken for a large one."""
    return bool(_PLAYED.fullmatch(recorded.type)) and 0 < (recorded.size or 0) <= FETCHED_BYTES
