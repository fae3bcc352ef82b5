"""The ladder for texts that are too long: all of it; else cut at a sentence; else several messages.

``length`` in feeds.yaml chooses: ``cut`` leaves text out, ``quote`` puts what follows the first paragraphs into an
expandable quote before it leaves text out, ``split`` sends several messages. What is cut is the post's own text: date,
source and hashtags below it stay.
"""

from collections.abc import Callable

from bot.labels import translator
from bot.model import Channel, Language, Length
from bot.render.content import Content
from bot.render.lines import ENTITY_LIMIT, set_lines
from bot.text import cutting
from bot.text.richtext import RichText, entities, telegram_clean, utf16_length

#: A template that puts out the same text several times needs more than one try.
_TRIES = 6
#: Entities that a message has besides those of the post's own text.
_OTHER_ENTITIES = 12

#: A group takes 20 messages a minute, and nobody reads more in a row.
MOST_PARTS = 10
_GAP = "\n\n"

#: Makes the whole message with this as the post's own text.
Make = Callable[[Content], RichText]


def fitted(make: Make, text: Content, channel: Channel, limit_utf16: int) -> list[RichText]:
    """The message, or its parts, each within the limit."""
    if channel.length is Length.SPLIT:
        return _parted(make, text, channel.language, limit_utf16)
    if channel.length is Length.CUT:
        return [_shortened(make, text, limit_utf16)]
    return [_shortened(lambda shorter: make(shorter.folded()), text, limit_utf16)]


def _fits(rich: RichText, limit_utf16: int) -> bool:
    return utf16_length(rich.text) <= limit_utf16 and len(entities(rich)) <= ENTITY_LIMIT


def _shortened(make: Make, text: Content, limit_utf16: int) -> RichText:
    """The message with as much of the text as there is room for."""
    room = min(len(text), limit_utf16)
    for _ in range(_TRIES):
        rich = make(text.shortened(room).with_entities(ENTITY_LIMIT - _OTHER_ENTITIES))
        over = utf16_length(rich.text) - limit_utf16
        if over <= 0:
            return rich
        if not room:
            break
        room = max(0, room - over)
    return cutting.cut(rich, limit_utf16)


def _parted(make: Make, text: Content, language: Language, limit_utf16: int) -> list[RichText]:
    """As many messages as the text needs, up to the most; the last line of each says which it is, of how many."""
    room = limit_utf16 - utf16_length(_number(MOST_PARTS, MOST_PARTS, language).text) - len(_GAP)
    keep = len(text)
    for _ in range(_TRIES):
        whole = make(text.shortened(keep))
        if _fits(whole, limit_utf16):
            return [whole]
        parts = [part for part in map(telegram_clean, cutting.split(whole, room, ENTITY_LIMIT)) if part]
        if len(parts) <= MOST_PARTS:
            break
        keep = keep * MOST_PARTS * 9 // (len(parts) * 10)
    count = min(len(parts), MOST_PARTS)
    return [
        RichText.join(_GAP, (part, _number(number, count, language)))
        for number, part in enumerate(parts[:count], start=1)
    ]


def _number(number: int, count: int, language: Language) -> RichText:
    """(2/3), as a line of ours."""
    return set_lines(translator(language)("({number}/{count})", number=number, count=count), language)
