"""Telegram's own library (TDLib, offline) as the oracle for every text we would send.

``accepted`` is what a Bot API server makes of a text with entities; ``live`` is what it would find in a text by
itself. The order of things is that of TDLib's ``fix_formatted_text``.
"""

import json
from dataclasses import replace
from typing import Any

import tdjson

from bot.model import Entity
from bot.text.richtext import utf16_length

_NAMES = {
    "bold": "Bold",
    "italic": "Italic",
    "underline": "Underline",
    "strikethrough": "Strikethrough",
    "spoiler": "Spoiler",
    "code": "Code",
    "pre": "Pre",
    "text_link": "TextUrl",
    "date_time": "DateTime",
    "blockquote": "BlockQuote",
    "expandable_blockquote": "ExpandableBlockQuote",
}
_TYPES = {name: api for api, name in _NAMES.items()} | {"PreCode": "pre"}
_PREFIX = "textEntityType"
#: TDLib's only offline call that takes entities also reads Markdown: its marks are hidden from it.
_MARKDOWN = "_*`~|[]()\\"


class Refused(Exception):
    """Telegram would answer 400."""


def call(request: dict[str, Any]) -> dict[str, Any]:
    """One synchronous call; an error is raised."""
    answer: dict[str, Any] = json.loads(tdjson.td_execute(json.dumps(request).encode()) or b"")
    if answer["@type"] == "error":
        raise Refused(answer["message"])
    return answer


call({"@type": "setLogVerbosityLevel", "new_verbosity_level": 0})


def accepted(text: str, entities: tuple[Entity, ...]) -> tuple[str, tuple[Entity, ...]]:
    """What is left of both in the message that is sent, found entities left out."""
    base = next(base for base in range(0xF700, 0xE000, -32) if not any(base <= ord(c) < base + 32 for c in text))
    there = {ord(mark): base + index for index, mark in enumerate(_MARKDOWN)}
    back = {there[ord(mark)]: mark for mark in _MARKDOWN}
    given = {
        "@type": "formattedText",
        "text": text.translate(there),
        "entities": [_to_td(entity) for entity in entities],
    }
    answer = call({"@type": "parseMarkdown", "text": given})
    cleaned = answer["text"].translate(back)
    found = tuple(entity for each in answer["entities"] if (entity := _from_td(each)))
    return _trimmed(cleaned, found)


def _to_td(entity: Entity) -> dict[str, Any]:
    kind: dict[str, Any] = {"@type": _PREFIX + _NAMES[entity.type]}
    if entity.type == "pre" and entity.language:
        kind = {"@type": _PREFIX + "PreCode", "language": entity.language}
    elif entity.type == "text_link":
        kind["url"] = entity.url
    elif entity.type == "date_time":
        kind["unix_time"] = entity.unix_time
        if entity.date_time_format:
            kind["formatting_type"] = _to_td_format(entity.date_time_format)
    return {"@type": "textEntity", "offset": entity.offset, "length": entity.length, "type": kind}


def _to_td_format(letters: str) -> dict[str, Any]:
    """As the Bot API server reads the letters: relative, or a weekday, a date and a time, each short or long."""
    if letters == "r":
        return {"@type": "dateTimeFormattingTypeRelative"}
    short, long = "dateTimePartPrecisionShort", "dateTimePartPrecisionLong"
    date, time = ({letter: short, letter.upper(): long} for letter in "dt")
    none = "dateTimePartPrecisionNone"
    return {
        "@type": "dateTimeFormattingTypeAbsolute",
        "show_day_of_week": "w" in letters,
        "date_precision": {"@type": next((date[letter] for letter in letters if letter in date), none)},
        "time_precision": {"@type": next((time[letter] for letter in letters if letter in time), none)},
    }


def _from_td(found: dict[str, Any]) -> Entity | None:
    kind = found["type"]
    name = _TYPES.get(kind["@type"].removeprefix(_PREFIX))
    if name is None:
        return None
    shown = _from_td_format(kind.get("formatting_type")) if name == "date_time" else None
    where = found["offset"], found["length"]
    return Entity(name, *where, kind.get("url"), kind.get("language"), kind.get("unix_time"), shown)


def _from_td_format(kind: dict[str, Any] | None) -> str | None:
    if kind is None:
        return None
    if kind["@type"] == "dateTimeFormattingTypeRelative":
        return "r"
    letters = "w" if kind["show_day_of_week"] else ""
    for letter, part in (("d", "date_precision"), ("t", "time_precision")):
        precision = kind[part]["@type"].removeprefix("dateTimePartPrecision")
        letters += {"None": "", "Short": letter, "Long": letter.upper()}[precision]
    return letters


def _trimmed(text: str, entities: tuple[Entity, ...]) -> tuple[str, tuple[Entity, ...]]:
    """As the server trims: the end, and the beginning as far as the first entity."""
    text = text.rstrip(" \n")
    size = utf16_length(text)
    cut = tuple(replace(each, length=min(each.length, size - each.offset)) for each in entities if each.offset < size)
    first = min((each.offset for each in cut), default=len(text))
    start = 0
    while start < min(first, len(text)) and text[start] in " \n":
        start += 1
    return text[start:], tuple(replace(each, offset=each.offset - start) for each in cut)


def parsed(html: str) -> tuple[str, tuple[Entity, ...]]:
    """What Telegram's own HTML mode makes of a text."""
    answer = call({"@type": "parseTextEntities", "text": html, "parse_mode": {"@type": "textParseModeHTML"}})
    return answer["text"], tuple(entity for each in answer["entities"] if (entity := _from_td(each)))


def live(text: str, entities: tuple[Entity, ...] = ()) -> list[tuple[str, str]]:
    """Type and text of what Telegram would make clickable by itself, but for what touches a link, code or time."""
    units = text.encode("utf-16-le", "surrogatepass")
    found = call({"@type": "getTextEntities", "text": text})["entities"]
    solid = [
        range(each.offset, each.offset + each.length)
        for each in entities
        if each.type in ("text_link", "code", "pre", "date_time")
    ]
    return [
        (
            each["type"]["@type"].removeprefix(_PREFIX),
            units[2 * each["offset"] : 2 * (each["offset"] + each["length"])].decode("utf-16-le"),
        )
        for each in found
        if not any(each["offset"] < part.stop and part.start < each["offset"] + each["length"] for part in solid)
    ]
