"""Two versions of one feed and what a reader should hear of the second: the table of issue "same post or new one".

Each row is tried on the pure functions and on both databases. Entries are as a source gives them, newest first.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from bot.model import Entry
from tests.builders import an_entry


@dataclass(frozen=True, slots=True)
class Scenario:
    """``before`` was read; then ``after`` comes: so many posts are new, so many are edited."""

    before: tuple[Entry, ...]
    after: tuple[Entry, ...]
    new: int = 0
    edited: int = 0


def _each(entries: tuple[Entry, ...], **changes: str | None) -> tuple[Entry, ...]:
    """The entries with fields changed; ``{}`` in a value is the entry's guid."""
    return tuple(
        replace(entry, **{name: value and value.format(entry.guid) for name, value in changes.items()})  # type: ignore[arg-type]
        for entry in entries
    )


_THREE = (an_entry(3), an_entry(2), an_entry(1))
_LATER = tuple(replace(entry, published=entry.published and entry.published + timedelta(days=9)) for entry in _THREE)
_ONE = an_entry(1)
_OTHER = an_entry(2, link=_ONE.link)

SCENARIOS = {
    "the same document": Scenario(_THREE, _THREE),
    "another order": Scenario(_THREE, _THREE[::-1]),
    "all dates changed": Scenario(_THREE, _LATER),
    "all dates gone": Scenario(_THREE, tuple(replace(entry, published=None) for entry in _THREE)),
    "a title edited": Scenario(_THREE, (*_THREE[:2], replace(_ONE, title="Moon number one")), edited=1),
    "a new entry": Scenario(_THREE, (an_entry(4), *_THREE), new=1),
    "guids changed": Scenario(_THREE, _each(_THREE, guid="urn:moon:{}")),
    "guids to https": Scenario(
        _each(_THREE, guid="http://sky.example/{}", link="http://sky.example/{}"),
        _each(_THREE, guid="https://sky.example/{}", link="https://sky.example/{}"),
    ),
    "links to https": Scenario(
        _each(_THREE, link="http://sky.example/{}"), _each(_THREE, link="https://sky.example/{}")
    ),
    "tracking added to links that are guids": Scenario(
        _each(_THREE, guid=None, link="https://sky.example/{}"),
        _each(_THREE, guid=None, link="https://sky.example/{}?utm_source=rss&utm_medium=feed"),
    ),
    "www added to links that are guids": Scenario(
        _each(_THREE, guid=None, link="https://sky.example/{}"),
        _each(_THREE, guid=None, link="https://www.sky.example/{}"),
        new=3,  # the brake against republished feeds is to catch this
    ),
    "guids filled in": Scenario(_each(_THREE, guid=""), _THREE),
    "guids filled in without links": Scenario(_each(_THREE, guid=None, link=None), _each(_THREE, link=None)),
    "the words of an entry that has no guid come with one": Scenario(
        (Entry(title="Open garden"),), (Entry(title="Open garden"), Entry(guid="open-2", title="Open garden")), new=1
    ),
    "guids gone": Scenario(_THREE, _each(_THREE, guid=None)),
    "two entries with one guid": Scenario((), (replace(_ONE, link="https://sky.example/other"), _ONE), new=2),
    "two entries with one link": Scenario((), (_OTHER, _ONE), new=2),
    "two entries with one link and no guids": Scenario((), _each((_OTHER, _ONE), guid=None), new=2),
    "one of two with one link leaves": Scenario(_each((_OTHER, _ONE), guid=None), _each((_OTHER,), guid=None)),
    "another with the same link comes": Scenario(_each((_ONE,), guid=None), _each((_OTHER, _ONE), guid=None), new=1),
    "another guid for a link, months later": Scenario(
        (_ONE,), (replace(_OTHER, published=_ONE.published and _ONE.published + timedelta(days=60)),), new=1
    ),
    "another guid for a link that is still there": Scenario((_ONE,), (_OTHER, _ONE), new=1),
    "one entry twice": Scenario((), (_ONE, _ONE), new=1),
    "two versions of one entry": Scenario((_ONE,), (replace(_ONE, title="Moon number one"), _ONE), edited=1),
    "an entry that says nothing": Scenario((), (Entry(guid="empty"), _ONE), new=1),
    "guids that differ in case": Scenario((), (replace(_OTHER, guid="urn:A"), replace(_ONE, guid="urn:a")), new=2),
    "a line break after the guid": Scenario(_THREE, _each(_THREE, guid="{}\n")),
    "a composed letter in the guid": Scenario(_each(_THREE, guid="Cafe\u0301-{}"), _each(_THREE, guid="Caf\u00e9-{}")),
    "a link that is the home page": Scenario(
        _each(_THREE[1:], guid=None, link="https://sky.example/"),
        _each(_THREE, guid=None, link="https://sky.example/"),
        new=1,
    ),
    "a counter that grew": Scenario(
        (replace(_ONE, content="<p>Stars</p><p>3 comments</p>"),),
        (replace(_ONE, content="<p>Stars</p><p>14 comments</p>"),),
    ),
    "markup that changed": Scenario(
        (replace(_ONE, content="<p>Stars and <b>moons</b></p><p>tonight</p>"),),
        (replace(_ONE, content='<div class="x"><p>Stars and moons</p>\n<p>tonight</p><!-- 08:15 --></div>'),),
    ),
    "empty, then full": Scenario((_ONE,), (_ONE,)),
}
HOME = "https://sky.example/"
