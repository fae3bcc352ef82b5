"""What ties a message to others of its chat: the one it replies to, and the posts of its story that it names.

Pure. ``storage/ties.py`` finds them; ``delivering.py`` and ``editing.py`` have them put into what ``render`` made.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import replace

from bot import render
from bot.labels import translator
from bot.model import Entry, Language, Message, MessageKind
from bot.render import furniture
from bot.storage.ties import Mention, Ties

#: Longest caption in UTF-16 code units (Bot API, sendPhoto).
CAPTION_LIMIT = 1024
#: As many links of a post are looked up, and as many posts named.
MOST_LINKS, MOST_MENTIONS = 20, 5

_HREF = re.compile(r"""<a\s[^<>]*?href\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)')""", re.IGNORECASE)


def links_of(entry: Entry) -> list[str]:
    """Where the text of a post leads to, each address once, in order; not to itself."""
    found = (html.unescape(one or other) for one, other in _HREF.findall(entry.fullest or entry.summary or ""))
    return [link for link in dict.fromkeys(found) if link != entry.link][:MOST_LINKS]


def tie(parts: Sequence[Message], ties: Ties, language: Language) -> list[Message]:
    """Have the first part reply, and the last one name the others; what has no room is left out."""
    tied = list(parts)
    if tied and ties.reply_to is not None:
        tied[0] = _in_reply(tied[0], ties.reply_to)
    if tied and ties.mentions:
        tied[-1] = _with_mentions(tied[-1], ties.mentions[:MOST_MENTIONS], language)
    return tied


def _in_reply(message: Message, reply_to: int) -> Message:
    instead = _in_reply(message.instead, reply_to) if message.instead else None
    return replace(message, reply_to=reply_to, instead=instead)


def _with_mentions(message: Message, mentions: Sequence[Mention], language: Language) -> Message:
    t = translator(language)
    names = " · ".join(
        f'<a href="{html.escape(mention.link)}">{furniture(mention.source)}</a>'
        if mention.link
        else str(furniture(mention.source))
        for mention in mentions
    )
    line = render.lay_out(f"{html.escape(t('Also'))}: {names}", language)
    instead = _with_mentions(message.instead, mentions, language) if message.instead else None
    message = replace(message, instead=instead)
    start = _utf16(message.text) + 1
    limit = render.MESSAGE_LIMIT if message.kind is MessageKind.TEXT else CAPTION_LIMIT
    if start + _utf16(line.text) > limit:
        return message
    moved = tuple(replace(entity, offset=entity.offset + start) for entity in line.entities)
    return replace(message, text=f"{message.text}\n{line.text}", entities=(*message.entities, *moved))


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
