"""What a template may do with a value: dates, links, hashtags, and Jinja's own filters made safe for text with markup.

Jinja's ``upper`` or ``truncate`` would change the inside of a tag; these change the words between the tags.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from bot.render.content import Content
from bot.render.lines import BODY, BODY_MARK
from bot.render.values import Published
from bot.text import cutting, markup
from bot.text.tags import tokens


def date(value: Any, form: str = "full") -> Markup:
    """A date in a form of ``text/dates.py``, or by the number of one of its templates."""
    if not isinstance(value, Published):
        raise ValueError("the filter 'date' takes 'published' or 'event_date'")
    return value.form(str(form))


@pass_context
def link(context: Context, value: Any, url: str | None = None) -> Markup:
    """The words as a link to the post, or to ``url``; just the words where there is no address."""
    shown = escape(value)
    target = context["link"] if url is None else url
    if not target or not shown.strip(BODY):
        return shown
    sign = BODY_MARK if shown.startswith(BODY) else Markup()
    return sign + Markup('<a href="{}">{}</a>').format(target, Markup(shown[len(sign) :]))  # noqa: S704 (was escaped)


@pass_context
def hashtags(context: Context, value: Any, limit: int = 100) -> Markup:
    """Hashtags of a word, or of each of some words; of these at most ``limit``."""
    words = [value] if isinstance(value, str) else list(value)
    line: Markup = context["_hashtags"].line((), [getattr(word, "word", word) for word in words], limit)
    return line


def truncate(value: Any, length: int = 200) -> Markup | Content:
    """The beginning, at most so long, cut at a sentence or a word and ending in an ellipsis."""
    if isinstance(value, Content):
        return value.shortened(length)
    rich = markup.parse(str(escape(value)))
    signs = rich.text.count(BODY)
    return Markup(markup.to_html(cutting.cut(rich, length + signs)))  # noqa: S704 (to_html escapes)


def _on_words(change: Callable[..., str]) -> Callable[..., Markup]:
    def changed(value: Any, *arguments: Any) -> Markup:
        return Markup().join(  # each piece is a tag of ours, or escaped
            escape(change(token.text, *arguments))
            if not token.name
            else Markup(f"<{'/' if token.closes else ''}{token.name}{token.attributes}>")  # noqa: S704
            for token in tokens(str(escape(value)))
        )

    return changed


upper = _on_words(str.upper)
lower = _on_words(str.lower)
replace = _on_words(str.replace)


def length(value: Any) -> int:
    """How many letters, or how many of a list."""
    if isinstance(value, str) or hasattr(value, "__html__"):
        return len(markup.parse(str(escape(value))).text.replace(BODY, ""))
    return len(value)


def join(value: Iterable[Any], separator: str = "") -> Markup:
    """One after the other, with ``separator`` between."""
    return escape(separator).join(map(escape, value))


def first(value: Iterable[Any]) -> Any:
    """The first of a list; nothing of an empty one."""
    return next(iter(value), "")


def last(value: Sequence[Any]) -> Any:
    """The last of a list; nothing of an empty one."""
    return value[-1] if value else ""


FILTERS: dict[str, Callable[..., Any]] = {
    "date": date,
    "first": first,
    "hashtags": hashtags,
    "join": join,
    "last": last,
    "length": length,
    "link": link,
    "lower": lower,
    "replace": replace,
    "truncate": truncate,
    "upper": upper,
}
