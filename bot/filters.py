"""Decide whether a post says what somebody filters by. Pure; called by ``routing.py`` and ``config/yaml_values.py``.

A pattern of ``include`` and ``exclude`` is a word or several in a row, compared as the search compares them, so that
no spelling of a Persian letter, ZWNJ or digit makes a difference; or ``re:`` and an expression. ``title:`` before
either looks at the title alone. Expressions are RE2's, which take linear time whatever somebody writes there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import re2

from bot.model import Entry
from bot.text import markup, persian
from bot.text.words import Word, words

TITLE, EXPRESSION = "title:", "re:"
#: What one expression may take; RE2's own default of 8 MiB each would be much for a list of them.
EXPRESSION_BYTES = 2**20
#: The texts of a reading are looked at once for each route: so many stay in memory.
_KEPT_TEXTS = 64


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line of ``include`` or ``exclude``."""

    in_title: bool
    words: tuple[Word, ...] = ()  #: in a row
    expression: "re2._Regexp | None" = None

    def is_in(self, entry: Entry) -> bool:
        """Whether the post says it."""
        texts = [entry.title or ""] if self.in_title else [entry.title or "", *entry.tags, _text(entry)]
        if self.expression is not None:
            # A line break between title and text: "^" and "$" mean what they seem to with (?m).
            return self.expression.search(persian.display("\n".join(texts), "fa")) is not None
        return any(_stand_in(self.words, _words(text)) for text in texts)


def rejection(include: Sequence[str], exclude: Sequence[str], entry: Entry) -> str | None:
    """Say why a post is filtered, or None: it says one of *include*, where there is one, and none of *exclude*."""
    unwanted = next((written for written in exclude if compiled(written).is_in(entry)), None)
    if unwanted is not None:
        return f"exclude: {unwanted}"
    if include and not any(compiled(written).is_in(entry) for written in include):
        return f"it says nothing of include: {', '.join(include)}"
    return None


@lru_cache(maxsize=4096)
def compiled(written: str) -> Pattern:
    """Read a pattern.

    Raises: ValueError, with what it must be.
    """
    in_title = written.startswith(TITLE)
    said = written.removeprefix(TITLE).strip()
    if said.startswith(EXPRESSION):
        return Pattern(in_title, expression=_expression(said.removeprefix(EXPRESSION)))
    wanted = tuple(words(said))
    if not wanted:
        raise ValueError("must hold a letter or a digit; for signs write an expression such as re:!!")
    return Pattern(in_title, wanted)


def _expression(written: str) -> "re2._Regexp":
    if not written:
        raise ValueError("must not be empty after re:; write the expression")
    options = re2.Options()
    options.log_errors, options.case_sensitive, options.max_mem = False, False, EXPRESSION_BYTES
    try:
        return re2.compile(persian.display(written, "fa"), options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if error.args else "no reason given"
        raise ValueError(f"must be an expression that RE2 knows ({reason})") from None


def _text(entry: Entry) -> str:
    return "\n".join(_plain(html) for html in (entry.summary, entry.fullest) if html)


@lru_cache(maxsize=_KEPT_TEXTS)
def _plain(html: str) -> str:
    return markup.plain(html)


@lru_cache(maxsize=_KEPT_TEXTS)
def _words(text: str) -> tuple[Word, ...]:
    return tuple(words(text))


def _stand_in(wanted: tuple[Word, ...], text: tuple[Word, ...]) -> bool:
    """Whether the words stand there in a row, joined as they are written or taken apart on both sides."""
    forms = [word.form for word in wanted]
    return _is_run(forms, [(word.form, *word.parts) for word in text]) or _is_run(
        _apart(wanted), [(part,) for part in _apart(text)]
    )


def _is_run(forms: Sequence[str], text: Sequence[tuple[str, ...]]) -> bool:
    return any(
        all(forms[place] in text[at + place] for place in range(len(forms))) for at in range(len(text) - len(forms) + 1)
    )


def _apart(run: tuple[Word, ...]) -> list[str]:
    return [part for word in run for part in word.parts or (word.form,)]
