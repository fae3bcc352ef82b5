"""The members of one big JSON object, read piece by piece: a list among them may be longer than memory.

For exports (``telegram_export.py``, ``json_feed.py``). Knows no format. A value is decoded as a whole, so one value
must fit a limit; the list that is asked for is handed on element by element.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from bot.sources import exports

#: Of one value: a message, an item.
MAX_VALUE_CHARS = 8 * 1024 * 1024
_SPACE = re.compile(r"[ \t\n\r]*")


def read_members(path: Path, list_name: str) -> Iterator[tuple[str, Any]]:
    """The members of the file's object in order; of the one called *list_name* each element, under that name.

    An empty list gives nothing, and a list that is no list gives its value once.

    Raises: ArchiveError.
    """
    with exports.open_text(path) as stream:
        text = _Text(path, stream)
        text.expect("{")
        separator = "{"
        while text.peek() != "}" or separator == ",":
            name = text.value()
            if not isinstance(name, str):
                raise text.wrong("a name is missing")
            text.expect(":")
            if name == list_name and text.peek() == "[":
                yield from ((name, element) for element in _elements(text))
            else:
                yield name, text.value()
            if text.peek() == "}":
                return
            separator = text.expect(",")


def _elements(text: "_Text") -> Iterator[Any]:
    text.expect("[")
    if text.peek() == "]":
        text.expect("]")
        return
    while True:
        yield text.value()
        if text.peek() == "]":
            text.expect("]")
            return
        text.expect(",")


class _Text:
    """A window on the file's text, and where in it the reading stands."""

    def __init__(self, path: Path, stream: TextIO) -> None:
        self._path = path
        self._stream = stream
        self._decoder = json.JSONDecoder(strict=False)
        self._window = ""
        self._at = 0
        self._is_all = False

    def wrong(self, what: str) -> Exception:
        if self._is_all and self._at >= len(self._window):
            what = "was cut off"
        return exports.wrong(self._path, what if what == "was cut off" else f"is broken JSON ({what})")

    def peek(self) -> str:
        """The next character that is no space; "" at the end."""
        while True:
            space = _SPACE.match(self._window, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._window) or self._is_all:
                return self._window[self._at : self._at + 1]
            self._fill(exports.CHUNK_BYTES)

    def expect(self, character: str) -> str:
        """Go on behind a character that must stand here."""
        if self.peek() != character:
            raise self.wrong(f"{character!r} is missing")
        self._at += 1
        return character

    def value(self) -> Any:
        """The value that stands here."""
        if not self.peek():
            raise self.wrong("a value is missing")
        size = exports.CHUNK_BYTES
        while True:
            try:
                value, end = self._decoder.raw_decode(self._window, self._at)
            except RecursionError:
                raise self.wrong("it is nested deeper than any export") from None
            except json.JSONDecodeError as error:
                if self._is_all:
                    is_torso = error.pos >= len(self._window) or error.msg.startswith("Unterminated")
                    raise self.wrong("was cut off" if is_torso else error.msg) from None
            except ValueError:  # a number of thousands of digits
                raise self.wrong("it holds a number that is none") from None
            else:
                # A number at the edge of the window may go on behind it.
                if end < len(self._window) or self._is_all:
                    self._at = end
                    return value
            if len(self._window) - self._at > MAX_VALUE_CHARS:
                raise self.wrong(f"no value of it ends within {MAX_VALUE_CHARS >> 20} million characters")
            self._fill(size)
            size *= 2  # so that all tries together cost as much as the last two

    def _fill(self, size: int) -> None:
        try:
            more = self._stream.read(size)
        except UnicodeDecodeError:
            raise exports.wrong(self._path, "is not UTF-8, as JSON must be", "save it as UTF-8") from None
        self._window = self._window[self._at :] + more
        self._at = 0
        self._is_all = not more
